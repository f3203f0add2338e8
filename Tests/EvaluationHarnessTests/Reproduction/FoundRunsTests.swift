import Foundation
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

struct FoundRunsTests {
    private static let recipe = "paper/upernet-ade20k-mae-vit-b"
    private static let request = RunRequest(
        arm: "dmt", start: .random, train: recipe, overrides: [], task: .segment, arguments: [], data: "ade20k")
    private static let columns = [
        PaperTable.Column(key: "m", title: "mIoU", metric: "mIoU", direction: .higherIsBetter, scale: 100, digits: 1)
    ]

    private static func training(_ changes: [String] = []) throws -> [(String, String)] {
        try RecipeLibrary.shipped().load(recipe, overrides: changes + ["+arm=dmt"]).settings.map { ($0.key, $0.value) }
    }

    private func answer(_ runs: [RecordFixture]) throws -> FoundRuns.Answer {
        try withTemporaryFolder { folder in
            for (place, run) in runs.enumerated() { try run.write(to: "\(folder)/run-\(place)") }
            return try FoundRuns([folder]).answer(
                Self.request, Self.columns, images: 2000, library: RecipeLibrary.shipped())
        }
    }

    private func fixture(_ miou: Double, seed: UInt64 = 0, _ changes: [String] = []) throws -> RecordFixture {
        RecordFixture(seed: seed, metrics: [("mIoU", miou)], training: try Self.training(changes))
    }

    @Test func runsAreFoundByArmTaskAndRecipe() throws {
        var otherArm = try fixture(0.9)
        otherArm.arm = "mae"
        var otherTask = try fixture(0.9)
        otherTask.task = "linear.ade20k"
        var otherRecipe = try fixture(0.9)
        otherRecipe.training = otherRecipe.training.map { ($0.0, $0.0 == "name" ? "segment-scenes" : $0.1) }
        #expect(try answer([otherArm, otherTask, otherRecipe]).values.isEmpty)
        let found = try answer([otherArm, try fixture(0.4), try fixture(0.5, seed: 1), otherTask])
        #expect(found.values["m"]?.seedCount == 2 && abs(found.values["m"]!.mean - 0.45) < 1e-12)
        #expect(found.isFaithful && found.notes.isEmpty)
    }

    /// A table without a run that is there would be another table.
    @Test func aRunThatTheDiskDoesNotGiveBackIsNoMissingRun() throws {
        try withTemporaryFolder { folder in
            try fixture(0.4).write(to: "\(folder)/run")
            let counter = FileFaults(failing: 0, .error(EIO), reads: true)
            let found = try FileFaults.$current.withValue(counter) { try FoundRuns([folder]) }
            #expect(found.records.count == 1 && counter.calls.count > 3)
            for call in 1...counter.calls.count {
                let error = #expect(throws: DataError.self, "call \(call)") {
                    try FileFaults.$current.withValue(FileFaults(failing: call, .error(EIO), reads: true)) {
                        try FoundRuns([folder])
                    }
                }
                #expect(error?.kind == .deviceFailed, "call \(call)")
            }
        }
    }

    @Test func changedSettingsAreNamedAndFaithfulRunsGoFirst() throws {
        let changed = try answer([try fixture(0.4, ["training.steps=10"])])
        #expect(!changed.isFaithful && changed.values["m"]?.mean == 0.4)
        #expect(changed.notes == ["other settings than the recipe's: training.steps 10 in place of 160_000"])
        let both = try answer([try fixture(0.4, ["training.steps=10"]), try fixture(0.5, seed: 1)])
        #expect(both.isFaithful && both.values["m"]?.mean == 0.5 && both.values["m"]?.seedCount == 1)
        #expect(both.notes.count == 1 && both.notes[0].hasPrefix("runs of other settings are left out: "))
        // How often a run is saved changes no number.
        #expect(try answer([try fixture(0.4, ["+training.save_every=7"])]).isFaithful)
    }

    @Test func otherPicturesAndProtocolsAreNamed() throws {
        var few = try fixture(0.4)
        few.images = 79
        let found = try answer([few])
        #expect(!found.isFaithful && found.notes[0].contains("where the table's split has 2000"))
        var wide = try fixture(0.6, seed: 5)
        wide.protocolEntries = ["input": "1024"]
        let mixed = try answer([try fixture(0.4), try fixture(0.5, seed: 1), wide])
        #expect(mixed.values["m"]?.seedCount == 2 && mixed.notes[0].hasPrefix("runs of another protocol are left out"))
    }

    @Test func theSameRunTwiceIsNoSecondSeed() throws {
        #expect(try answer([try fixture(0.4), try fixture(0.4)]).values["m"]?.standardDeviation == nil)
    }
}
