import Foundation
import JSONText
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

struct RunCatalogueTests {
    /// runs/a (evaluated), runs/b (killed), runs/deep/c (failed), runs/latest -> a, runs/notes.txt
    private func withRuns(_ body: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            try RecordFixture(arm: "dmt", metrics: [("mIoU", 0.4)]).write(to: folder + "/a")
            try RecordFixture.writeRun(to: folder + "/b", status: "running", command: "dmt train segment --recipe x\n")
            try RecordFixture(arm: "mae", metrics: [("mIoU", 0.5)], status: "failed").write(to: folder + "/deep/c")
            try FileManager.default.createSymbolicLink(atPath: folder + "/latest", withDestinationPath: "a")
            try write("no run", to: folder + "/notes.txt")
            try write("no run", to: folder + "/other/STATUS")
            try body(folder)
        }
    }

    @Test func runsAreFoundWithTheirStatesAndLinksAreNot() throws {
        try withRuns { folder in
            let runs = try RunCatalogue(folder).runs
            #expect(runs.map(\.name) == ["a", "b", "c"])
            #expect(runs.map(\.state) == [.done, .killed, .failed])
            #expect(runs.map(\.task) == ["segment.ade20k", "train segment", "segment.ade20k"])
            #expect(runs[0].mainMetric?.value == 0.4 && runs[1].record == nil && runs[0].byteCount > 500)
            let lock = try RunLock(folder: folder + "/b")
            #expect(try RunCatalogue(folder).runs[1].state == .running)
            withExtendedLifetime(lock) {}
            #expect(throws: DataError.self) { try RunCatalogue(folder + "/absent") }
        }
    }

    @Test func askingForALockLeavesNoFile() throws {
        try withTemporaryFolder { folder in
            #expect(!RunLock.isHeld(folder: folder) && !FileBytes.exists(folder + "/.lock"))
        }
    }

    @Test func listsAreFilteredAndSorted() throws {
        try withRuns { folder in
            let catalogue = try RunCatalogue(folder)
            func names(_ listing: RunListing) -> [String] {
                (listing.json["runs"]?.array ?? []).compactMap { $0["path"]?.string.map { Folder.name(of: $0) } }
            }
            #expect(names(RunListing(catalogue, folder: folder, order: .metric)) == ["c", "a", "b"])
            #expect(
                names(RunListing(catalogue, folder: folder, states: [.killed, .failed], order: .name)) == ["b", "c"])
            #expect(names(RunListing(catalogue, folder: folder, task: "train")) == ["b"])
            #expect(names(RunListing(catalogue, folder: folder, arm: "mae")) == ["c"])
            let text = RunListing(catalogue, folder: folder, order: .name).text
            #expect(text.contains("deep/c") && text.contains("0.5000") && text.contains("killed"), "\(text)")
            try write("{}", to: folder + "/a/run.json")
            #expect(RunListing(try RunCatalogue(folder), folder: folder).text.contains("run.json cannot be read"))
        }
    }

    @Test func aRunIsShownWithItsFiles() throws {
        try withRuns { folder in
            let shown = try RunDescription(folder + "/a/")
            #expect(
                shown.json["files"]?.array?.compactMap { $0["name"]?.string } == [
                    "STATUS", "command.txt", "config.sha256", "run.json",
                ])
            #expect(shown.text.contains("mIoU ↑") && shown.text.contains("2000 images"), "\(shown.text)")
            let error = try #require(throws: DataError.self) { try RunDescription(folder + "/other") }
            #expect(error.kind == .malformed)
        }
    }

    @Test func removalTakesRunsAndNothingElse() throws {
        try withRuns { folder in
            func refused(_ name: String, _ kind: DataError.Kind) throws {
                let error = try #require(throws: DataError.self, "\(name)") {
                    try RunRemoval([folder + "/a", folder + name])
                }
                #expect(error.kind == kind, "\(error)")
                #expect(Folder.exists(folder + "/a"))
            }
            try refused("/latest", .malformed)
            try refused("/latest/", .malformed)
            try refused("/other", .malformed)
            try refused("/notes.txt", .malformed)
            try refused("", .malformed)
            try refused("/absent", .missing)
            let lock = try RunLock(folder: folder + "/b")
            try refused("/b", .cannotWrite)
            withExtendedLifetime(lock) {}
        }
        try withRuns { folder in
            // A link inside is removed, what it leads to is not.
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/a/out", withDestinationPath: folder + "/other")
            let removal = try RunRemoval([folder + "/a", folder + "/a/", folder + "/deep/c"])
            #expect(removal.runs.count == 2)
            try removal.remove()
            #expect(try RunCatalogue(folder).runs.map(\.name) == ["b"])
            #expect(FileBytes.exists(folder + "/other/STATUS"))
            let left = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            // The link to the run that is gone went with it.
            #expect(left == ["b", "deep", "notes.txt", "other"])
        }
    }

    @Test func pruningFindsWhatKilledProcessesLeft() throws {
        try withRuns { folder in
            let dead = 0x3FFF_FFFF
            try write("x", to: folder + "/a/run.json.tmp.\(dead).3")
            try write("x", to: folder + "/a/run.json.tmp.\(getpid()).3")
            try write("x", to: folder + "/.removed-old.\(dead)/STATUS")
            try write("x", to: folder + "/.removed-new.\(getpid())/STATUS")
            let header = #"{"format":"dmt teacher features","version":1}"#
            try write(header, to: folder + "/features/mae-0.features")
            try write("my own", to: folder + "/features/mine.features")
            try write("x", to: folder + "/probe/0123456789abcdef/00000.safetensors")
            try write("x", to: folder + "/probe/0123456789abcde0/weights.safetensors")
            try write("x", to: folder + "/b/metrics.jsonl.tmp.\(dead).1")
            var lock: RunLock? = try RunLock(folder: folder + "/b")

            let plain = try RunPruning(folder, features: false)
            #expect(plain.items.map { Folder.name(of: $0.path) } == [".removed-old.\(dead)", "run.json.tmp.\(dead).3"])
            #expect(plain.keptFeatures.count == 2 && plain.text(isDry: true).contains("--features removes them"))
            let all = try RunPruning(folder, features: true)
            #expect(all.items.count == 4 && all.keptFeatures.isEmpty)
            try all.remove()
            #expect(
                !Folder.exists(folder + "/.removed-old.\(dead)")
                    && !FileBytes.exists(folder + "/features/mae-0.features"))
            #expect(!Folder.exists(folder + "/probe/0123456789abcdef"))
            for kept in [
                "features/mine.features", "a/run.json.tmp.\(getpid()).3", "b/metrics.jsonl.tmp.\(dead).1",
                "probe/0123456789abcde0/weights.safetensors", ".removed-new.\(getpid())/STATUS", "a/run.json",
            ] {
                #expect(FileBytes.exists(folder + "/" + kept), "\(kept)")
            }
            withExtendedLifetime(lock) {}
            lock = nil
            #expect(try RunPruning(folder, features: true).items.count == 1)
            #expect(throws: DataError.self) { try RunPruning(folder + "/absent", features: false) }
        }
    }
}
