import Foundation
import SafeFiles
import Testing

@testable import EvaluationHarness

/// The built program with file calls that fail, and evaluations that are killed: `benchmarks/reliability` tries every call;
/// here are some of them. Skipped, with a message, where the program is not built beside the tests.
@Suite("Runs whose files fail", .enabled(if: SourceCheckout.program != nil, "skipped: no built dmt beside the tests"))
struct FaultyRunsTests {
    private static let backbone =
        "backbone={image_size: 32, patch_size: 8, width: 16, depth: 4, heads: 2, position: learned}"

    private func dmt(_ arguments: [String], fault: String? = nil) throws -> BuiltProgram.Outcome {
        try BuiltProgram.run(arguments + ["--threads", "1", "-q"], environment: ["DMT_FAULT": fault])
    }

    private func must(_ arguments: [String]) throws {
        let outcome = try dmt(arguments)
        #expect(outcome.code == 0, "\(arguments): \(outcome.err)")
    }

    /// Scenes, and the arguments of a training of a few steps on them.
    private func training(_ folder: String) throws -> [String] {
        try must(["data", "scenes", "--out", folder + "/scenes", "--train", "8", "--val", "20", "--size", "32"])
        return [
            "train", "segment", "--recipe", "segment-scenes", "--data", folder + "/scenes", "training.steps=4",
            "training.batch=2", "training.warmup=1", "+training.save_every=2", Self.backbone, "head.channels=8",
            "views.crop=32", "views.short_side=32",
        ]
    }

    private func same(_ a: String, _ b: String) throws -> Bool {
        try FileBytes.read(a, limit: 1 << 24) == FileBytes.read(b, limit: 1 << 24)
    }

    @Test("a training goes on after each failure with the bytes of one that met none, and says 74")
    func trainings() throws {
        try withTemporaryFolder { folder in
            let arguments = try training(folder)
            let (whole, run) = (folder + "/whole", folder + "/run")
            try must(arguments + ["--out", whole])
            let faults = [
                "fail-at-write:2:EIO", "fail-at-write:34:ENOSPC", "fail-at-write:45:EIO", "fail-at-write:51:short",
                "fail-at-write:57:ENOSPC", "fail-from-write:40:ENOSPC", "fail-at-read:9:EIO", "fail-at-read:12:short",
            ]
            for fault in faults {
                let stopped = try dmt(arguments + ["--out", run], fault: fault)
                #expect(stopped.code == (fault.hasSuffix("short") ? 0 : 74), "\(fault): \(stopped.code) \(stopped.err)")
                if stopped.code != 0 {
                    #expect(try RunFolder.status(of: run) != .done, "\(fault)")
                    let again = try dmt(arguments + ["--out", run, "--resume"])
                    #expect(again.code == 0, "\(fault): \(again.err)")
                }
                for name in ["checkpoint.safetensors", "history.json", "metrics.jsonl"] {
                    #expect(try same("\(run)/\(name)", "\(whole)/\(name)"), "\(fault): \(name)")
                }
                #expect(try RunFolder.status(of: run) == .done, "\(fault)")
                #expect(try Folder.entries(run).filter(AtomicFile.isLeftover) == [], "\(fault)")
                try FileManager.default.removeItem(atPath: run)
            }
        }
    }

    @Test("an evaluation that is killed or fails goes on over the pictures that are left, to the same numbers")
    func evaluations() throws {
        try withTemporaryFolder { folder in
            try must(training(folder) + ["--out", folder + "/model"])
            let arguments = [
                "eval", "segment", "--checkpoint", folder + "/model/checkpoint.safetensors", "--data",
                folder + "/scenes", "--bootstrap", "100",
            ]
            let (whole, run) = (folder + "/whole", folder + "/run")
            try must(arguments + ["--out", whole])
            for (fault, code) in [
                ("kill-at-write:30", -SIGKILL), ("kill-at-write:90", -SIGKILL), ("fail-at-write:100:ENOSPC", 74),
                ("fail-at-write:150:EIO", 74), ("fail-at-write:21:short", 0), ("fail-at-read:40:EIO", 74),
            ] as [(String, Int32)] {
                let stopped = try dmt(arguments + ["--out", run], fault: fault)
                #expect(stopped.code == code, "\(fault): \(stopped.code) \(stopped.err)")
                if code != 0 {
                    #expect(try RunFolder.status(of: run) != .done, "\(fault)")
                    let again = try dmt(arguments + ["--out", run, "--resume"])
                    #expect(again.code == 0, "\(fault): \(again.err)")
                }
                for name in ["evidence.safetensors", "per_image.csv", "per_class.csv"] {
                    #expect(try same("\(run)/\(name)", "\(whole)/\(name)"), "\(fault): \(name)")
                }
                let names = try Folder.entries(whole + "/predictions")
                #expect(try names.count == 20 && Folder.entries(run + "/predictions") == names)
                for name in names { #expect(try same("\(run)/predictions/\(name)", "\(whole)/predictions/\(name)")) }
                #expect(try Folder.entries(run) == Folder.entries(whole) && RunFolder.status(of: run) == .done)
                try FileManager.default.removeItem(atPath: run)
            }
            // What was begun with other options is not mixed with these.
            #expect(try dmt(arguments + ["--out", run], fault: "kill-at-write:90").code == -SIGKILL)
            let other = try dmt(arguments + ["--out", run, "--resume", "--size", "48"])
            #expect(other.code == 78, "\(other.err)")
            let seed = try dmt(arguments + ["--out", run, "--resume", "--seed", "5"])
            #expect(seed.code == 78, "\(seed.err)")
            let new = try dmt(arguments + ["--out", run])
            #expect(new.code == 73 && new.err.contains("--resume an unfinished run"), "\(new.err)")
        }
    }

    @Test("a damaged picture costs the page its pictures, and the page says so; a disk that fails ends the run")
    func pages() throws {
        try withTemporaryFolder { folder in
            try must(training(folder) + ["--out", folder + "/model"])
            let data = ["eval", "segment", "--data", folder + "/scenes", "--bootstrap", "100"]
            try must(data + ["--checkpoint", folder + "/model/checkpoint.safetensors", "--out", folder + "/whole"])
            let given = data + ["--from-predictions", folder + "/whole/predictions"]
            try must(given + ["--out", folder + "/given"])
            let run = folder + "/run"
            // Every read from some place on, to behind the last.
            var (stops, number) = (0, 1)
            while true {
                let stopped = try dmt(given + ["--out", run], fault: "fail-at-read:\(number):EIO")
                if stopped.code == 0 { break }
                #expect(stopped.code == 74, "\(number): \(stopped.code) \(stopped.err)")
                #expect(try dmt(given + ["--out", run, "--resume"]).code == 0)
                #expect(try Folder.entries(run) == Folder.entries(folder + "/given"), "\(number)")
                try FileManager.default.removeItem(atPath: run)
                (stops, number) = (stops + 1, number + 20)
            }
            #expect(stops > 3)
            #expect(try Folder.entries(run) == Folder.entries(folder + "/given"))
            try FileManager.default.removeItem(atPath: run)
            let pictures = folder + "/scenes/ADEChallengeData2016/images/validation"
            for name in try Folder.entries(pictures) { try AtomicFile.write("no picture", to: "\(pictures)/\(name)") }
            try must(given + ["--out", run])
            let page = try FileBytes.read(run + "/report.html", limit: 1 << 24)
            #expect(String(decoding: page, as: UTF8.self).contains("No pictures: "))
        }
    }
}
