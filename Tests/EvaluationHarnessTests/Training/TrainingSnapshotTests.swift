import Determinism
import Foundation
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import TestSupport
import Testing

@testable import EvaluationHarness

@Suite("Training snapshots") struct TrainingSnapshotTests {
    private func bytes(_ path: String) throws -> [UInt8] { try FileBytes.read(path, limit: 1 << 20) }

    @Test("numbers of a history come back to the bit")
    func exactNumbers() throws {
        var history = TrainingHistory(window: 2)
        for step in 0..<5 {
            history.add("a.cls", 0.1 * Double(step + 1) / 3)
            history.add("total", step == 3 ? .infinity : Double.pi * Double(step))
            history.endStep(step, isLast: false)
        }
        history.skippedSteps = [3]
        let json = try JSONValue.parse(history.json.text(), file: "x")
        let back = try #require(TrainingHistory(json))
        #expect(back == history && back.json == history.json)
        var sums = NamedSums()
        sums.add("nan", .nan)
        sums.add("tiny", -Double.leastNonzeroMagnitude)
        #expect(NamedSums(sums.json)?.entries[0].sum.isNaN == true)
        #expect(NamedSums(sums.json)?.entries[1].sum.bitPattern == (-Double.leastNonzeroMagnitude).bitPattern)
        for text in ["{}", "null", "{\"window\":0,\"curves\":[],\"skipped\":[],\"sums\":[]}"] {
            #expect(TrainingHistory(try JSONValue.parse(text, file: "x")) == nil)
        }
    }

    @Test("a state comes back whole: weights, moments, counts, history")
    func roundTrip() throws {
        try withTemporaryFolder { folder in
            var fixture = SnapshotFixture(folder)
            fixture.history.add("total", 0.3)
            fixture.history.endStep(9, isLast: false)
            for step in 0..<3 { fixture.step(step) }
            _ = try fixture.snapshots.save(fixture.snapshot(3))
            let other = SnapshotFixture(folder, seed: 2)
            #expect(other.state != fixture.state)
            let (snapshot, file) = try #require(try other.snapshots.newest(totalSteps: 5) { Issue.record("\($0)") })
            #expect(snapshot.completedSteps == 3 && snapshot.history == fixture.history)
            #expect(file.hasSuffix("/checkpoints/step-00000003.safetensors"))
            try snapshot.restore(into: other.layer, other.optimizer, nil, file: file)
            #expect(other.state == fixture.state && other.optimizer.stepCount == 3)
            for fixture in [fixture, other] { fixture.step(3) }
            #expect(other.state == fixture.state)
            // Not the state of another network.
            var stream = RandomStream(seed: 1, purpose: "wide")
            let wide = Linear(4, 2, initialization: .xavierUniform, &stream)
            let error = #expect(throws: DataError.self) {
                try snapshot.restore(
                    into: wide, AdamW([ParameterGroup(wide.parameters)]), nil, file: file)
            }
            #expect(error?.kind == .malformed)
        }
    }

    @Test("one changed bit anywhere, or a cut, is found")
    func damage() throws {
        try withTemporaryFolder { folder in
            let fixture = SnapshotFixture(folder)
            let file = try fixture.snapshots.save(fixture.snapshot(1))
            let whole = try bytes(file)
            func isRefused(_ bytes: [UInt8]) throws -> Bool {
                try AtomicFile.write(bytes, to: file, durability: .renamed)
                do {
                    _ = try SealedFile.load(file)
                    return false
                } catch { return error.kind == .malformed }
            }
            #expect(try !isRefused(whole))
            for (damage, bytes) in DamagedBytes(whole) { #expect(try isRefused(bytes), "\(damage)") }
            #expect(try isRefused(whole + [0]))
        }
    }

    @Test("the newest k stay; a damaged one gives way to the one before, with a warning; of none that is whole is told")
    func fallingBack() throws {
        try withTemporaryFolder { folder in
            let fixture = SnapshotFixture(folder)
            for step in 1...4 {
                fixture.step(step)
                _ = try fixture.snapshots.save(fixture.snapshot(step * 5))
            }
            #expect(try fixture.snapshots.steps() == [15, 20])
            let newest = folder + "/checkpoints/step-00000020.safetensors"
            try AtomicFile.write(Array(try bytes(newest).dropLast(7)), to: newest)
            var warnings: [String] = []
            let found = try fixture.snapshots.newest(totalSteps: 30) { warnings.append($0) }
            #expect(found?.snapshot.completedSteps == 15)
            #expect(warnings.count == 1 && warnings[0].contains(newest) && warnings[0].contains("checksum"))
            // The next save drops what claims later steps.
            _ = try fixture.snapshots.save(fixture.snapshot(17))
            #expect(try fixture.snapshots.steps() == [15, 17])
            for step in [15, 17] {
                try AtomicFile.write("x", to: "\(folder)/checkpoints/step-000000\(step).safetensors")
            }
            let error = #expect(throws: DataError.self) { try fixture.snapshots.newest(totalSteps: 30) { _ in } }
            #expect(error?.kind == .malformed && error?.found == "2 that are not")
        }
    }

    @Test("another recipe, seed, data set, checkpoint, option, version or CPU path is refused by name")
    func identities() throws {
        try withTemporaryFolder { folder in
            let fixture = SnapshotFixture(folder)
            _ = try fixture.snapshots.save(fixture.snapshot(1))
            func identity(
                recipe: String = "r", seed: UInt64 = 7, data: String = "d", checkpoint: String = "h",
                options: String = "", tool: String = "dmt 0", path: String = "plain"
            ) -> TrainingIdentity {
                TrainingIdentity(
                    recipe: recipe, seed: seed, data: data, checkpoints: [("mae", checkpoint)], options: options,
                    tool: tool, cpuPath: path)
            }
            let others = [
                ("recipe", identity(recipe: "s")), ("seed", identity(seed: 8)), ("data", identity(data: "e")),
                ("checkpoints", identity(checkpoint: "i")), ("options", identity(options: "--feature-cache")),
                ("tool", identity(tool: "dmt 1")), ("cpu_path", identity(path: "avx2")),
            ]
            for (key, other) in others {
                let snapshots = SnapshotFolder(path: folder + "/checkpoints", keep: 2, identity: other)
                let error = #expect(throws: DataError.self) { try snapshots.newest(totalSteps: 9) { _ in } }
                #expect(error?.kind == .configuration && error?.record == key)
            }
            #expect(identity() == SnapshotFixture.identity)
        }
    }

    /// The disk fills up at each file call of a save in turn.
    @Test("a full disk is told with the way on, and the snapshot before stays")
    func fullDisk() throws {
        try withTemporaryFolder { folder in
            let journal = try SnapshotFixture.journal(folder + "/run", steps: 9, every: 1)
            let fixture = SnapshotFixture(folder + "/run")
            try journal.save(fixture.snapshot(1))
            let before = try bytes(folder + "/run/checkpoints/step-00000001.safetensors")
            for call in 1...7 {
                fixture.step(call)
                let error = #expect(throws: DataError.self) {
                    try FileFaults.$current.withValue(FileFaults(failing: call, code: ENOSPC)) {
                        try journal.save(fixture.snapshot(2))
                    }
                }
                #expect(error?.kind == .diskFull && error.map { FailureReport($0).exitCode } == 74)
                #expect(error?.remedy.contains("after step 1 is whole: continue with") == true, "\(error!)")
                #expect(try bytes(folder + "/run/checkpoints/step-00000001.safetensors") == before)
                let found = try fixture.snapshots.newest(totalSteps: 9) { Issue.record("\($0)") }
                // Once the file is renamed only the folder's own durability is open.
                #expect(found?.snapshot.completedSteps == (call > 5 ? 2 : 1))
                unlink(folder + "/run/checkpoints/step-00000002.safetensors")
                #expect(try Folder.entries(folder + "/run/checkpoints").count == 1)
            }
        }
    }

    @Test("a state with values that are not finite is not saved")
    func notFinite() throws {
        try withTemporaryFolder { folder in
            let journal = try SnapshotFixture.journal(folder + "/run", steps: 9, every: 1)
            let fixture = SnapshotFixture(folder + "/run")
            fixture.layer.weight.value.f32()[1] = .nan
            let error = #expect(throws: NonFiniteState.self) { try journal.save(fixture.snapshot(1)) }
            #expect(error?.tensors == ["model.weight"])
            #expect(!Folder.exists(folder + "/run/checkpoints"))
        }
    }

    @Test("recipes say how often and how many")
    func plans() throws {
        #expect(SnapshotPlan().interval(totalSteps: 400) == 20 && SnapshotPlan().interval(totalSteps: 3) == 1)
        let recipe = try shippedLibrary().load(
            "segment-scenes", overrides: ["+training.save_every=7", "+training.keep=3"])
        let plan = try SnapshotPlan(recipe.reader().map("training"))
        #expect(plan.every == 7 && plan.keep == 3 && plan.interval(totalSteps: 400) == 7)
        let zero = try shippedLibrary().load("segment-scenes", overrides: ["+training.save_every=0"])
        #expect(throws: DataError.self) { try SnapshotPlan(zero.reader().map("training")) }
    }
}
