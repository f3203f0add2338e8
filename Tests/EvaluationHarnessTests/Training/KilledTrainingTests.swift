import Foundation
import SafeFiles
import Testing

@testable import EvaluationHarness

/// The built program is killed at many instants and continued: the bytes at the end are those of a run that never
/// stopped. Skipped, with a message, where the program is not built beside the tests.
@Suite("Runs that are killed", .enabled(if: SourceCheckout.program != nil, "skipped: no built dmt beside the tests"))
struct KilledTrainingTests {
    /// One training of drawn scenes and the files that must not differ.
    private struct Case {
        var arguments: [String]
        var files: [String]

        /// A student of width 32 and depth 2 of three teachers.
        static let distill = Case(
            arguments: [
                "distill", "--recipe", "distill-scenes", "training.steps=30", "training.batch=4",
                "training.warmup_steps=3", "+training.save_every=4", "student.image_size=32", "student.width=32",
                "student.depth=2", "student.heads=2",
            ], files: ["student.safetensors", "curves.csv"])

        static let segment = Case(
            arguments: [
                "train", "segment", "--recipe", "segment-scenes", "training.steps=8", "training.batch=2",
                "training.warmup=1", "+training.save_every=3",
                "backbone={image_size: 32, patch_size: 8, width: 16, "
                    + "depth: 4, heads: 2, position: learned}", "head.channels=8", "views.crop=32",
                "views.short_side=32",
            ], files: ["checkpoint.safetensors", "history.json", "metrics.jsonl"])

        /// Measured twice on the way and once at the end.
        static let classify = Case(
            arguments: [
                "train", "classify", "--recipe", "classify-scenes", "training.steps=8", "training.batch=4",
                "training.warmup=1", "+training.save_every=3", "+training.micro_batch=2", "+training.ema=0.5",
                "+training.optimizer=lars", "training.rate=2", "+training.validate={every: 3, split: train}",
                "backbone={image_size: 32, patch_size: 8, width: 16, depth: 2, heads: 2, position: learned}",
                "views.size=32",
            ],
            files: [
                "checkpoint.safetensors", "last.safetensors", "best.safetensors", "history.json", "metrics.jsonl",
            ])

        static let pretrain = Case(
            arguments: [
                "pretrain", "ibot", "training.steps=8", "training.batch=4", "training.warmup_steps=1",
                "+training.save_every=3", "backbone.image_size=32", "backbone.width=32", "backbone.depth=1",
                "backbone.heads=2", "ibot.hidden_width=16", "ibot.bottleneck=8", "ibot.balance=centering",
            ], files: ["teacher.safetensors", "curves.csv", "metrics.jsonl"])
    }

    private func dmt(_ arguments: [String], fault: String? = nil) throws -> BuiltProgram.Outcome {
        try BuiltProgram.run(arguments, environment: ["DMT_FAULT": fault])
    }

    /// The points of the TensorBoard file without their times; nothing where a run has none.
    private func points(_ folder: String) throws -> [[UInt8]] {
        guard let name = try Folder.entries(folder).first(where: { $0.hasPrefix("events.out.") }) else { return [] }
        var bytes = try FileBytes.read("\(folder)/\(name)", limit: 1 << 20)[...]
        var points: [[UInt8]] = []
        while bytes.count >= 16 {
            let count = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            points.append(Array(bytes.dropFirst(12 + 9).prefix(count - 9)))
            bytes = bytes.dropFirst(16 + count)
        }
        return points
    }

    private func expectSame(_ folder: String, _ whole: String, _ training: Case, _ fault: String) throws {
        for name in training.files {
            let found = try FileBytes.read("\(folder)/\(name)", limit: 1 << 24)
            #expect(found == (try FileBytes.read("\(whole)/\(name)", limit: 1 << 24)), "\(fault): \(name)")
        }
        #expect(try points(folder) == points(whole), "\(fault): events")
        #expect(try RunFolder.status(of: folder) == .done, "\(fault)")
        for place in [folder, folder + "/checkpoints"] {
            #expect(try Folder.entries(place).filter(AtomicFile.isLeftover) == [], "\(fault)")
        }
    }

    /// Stops a run at each point and continues it; points that a run does not reach must be none.
    ///
    /// - Parameter codes: how the stopped process may end.
    private func sweep(_ training: Case, _ faults: [String], codes: Set<Int32>) throws {
        try withTemporaryFolder { folder in
            let scenes = try dmt(
                ["data", "scenes", "--out", folder + "/scenes", "--train", "12", "--val", "2", "--size", "32", "-q"])
            #expect(scenes.code == 0, "\(scenes.err)")
            let arguments = training.arguments + ["--data", folder + "/scenes", "--threads", "1", "-q"]
            let whole = try dmt(arguments + ["--out", folder + "/whole"])
            #expect(whole.code == 0, "\(whole.err)")
            for fault in faults {
                let run = folder + "/run"
                let stopped = try dmt(arguments + ["--out", run], fault: fault)
                #expect(codes.contains(stopped.code), "\(fault): \(stopped.code) \(stopped.err)")
                if stopped.code == 143 {
                    #expect(try RunFolder.status(of: run) == .interrupted, "\(fault)")
                    #expect(stopped.err.contains("--out \(RunFolder.quoted(run)) --resume"), "\(stopped.err)")
                }
                let continued = try dmt(arguments + ["--out", run, "--resume"])
                #expect(continued.code == 0, "\(fault): \(continued.err)")
                try expectSame(run, folder + "/whole", training, fault)
                try FileManager.default.removeItem(atPath: run)
            }
        }
    }

    @Test("a distillation killed at 28 file calls")
    func killedAtWrites() throws {
        try sweep(.distill, stride(from: 1, through: 109, by: 4).map { "kill-at-write:\($0)" }, codes: [-SIGKILL])
    }

    @Test("a distillation killed before 22 of its steps")
    func killedAtSteps() throws {
        try sweep(.distill, (1...22).map { "kill-at-step:\($0 * 4 / 3)" }, codes: [-SIGKILL])
    }

    @Test("a distillation interrupted at 20 steps")
    func interrupted() throws {
        try sweep(.distill, (1...20).map { "term-at-step:\($0 * 3 / 2)" }, codes: [143])
    }

    @Test("heads and teachers killed and interrupted, with logs that grow")
    func others() throws {
        let writes = [11, 17, 22, 30, 41, 50].map { "kill-at-write:\($0)" }
        try sweep(.segment, writes + ["kill-at-step:6"], codes: [-SIGKILL])
        try sweep(.pretrain, writes.dropLast() + ["kill-at-step:6"], codes: [-SIGKILL])
        try sweep(.classify, (1...12).map { "kill-at-write:\($0 * 6)" } + ["kill-at-step:5"], codes: [-SIGKILL])
        try sweep(.classify, ["term-at-step:5"], codes: [143])
        try sweep(.segment, ["term-at-step:5"], codes: [143])
        try sweep(.pretrain, ["term-at-step:5"], codes: [143])
    }

    @Test("killed again and again, a run comes to the same end")
    func killedOften() throws {
        try withTemporaryFolder { folder in
            let training = Case.distill
            _ = try dmt(
                ["data", "scenes", "--out", folder + "/scenes", "--train", "12", "--val", "2", "--size", "32", "-q"])
            let arguments = training.arguments + ["--data", folder + "/scenes", "--threads", "2", "-q", "--out"]
            #expect(try dmt(arguments + [folder + "/whole"]).code == 0)
            var lives = 1
            while try dmt(arguments + [folder + "/run", "--resume"], fault: "kill-at-step:7").code != 0, lives < 20 {
                lives += 1
            }
            // Six steps a life, four of them saved: six lives end early, the seventh begins at step 24 and is the last.
            #expect(lives == 7)
            try expectSame(folder + "/run", folder + "/whole", training, "every life")
        }
    }

    @Test("what is not to be continued is refused, each with its reason")
    func refusals() throws {
        try withTemporaryFolder { folder in
            for (name, seed) in [("scenes", "1"), ("others", "2")] {
                _ = try dmt([
                    "data", "scenes", "--out", "\(folder)/\(name)", "--train", "12", "--val", "2", "--size", "32",
                    "--seed", seed, "-q",
                ])
            }
            let arguments = Case.distill.arguments + ["-q"]
            let data = ["--data", folder + "/scenes"]
            let out = ["--out", folder + "/run"]
            #expect(try dmt(arguments + data + out, fault: "term-at-step:9").code == 143)
            let changes: [(arguments: [String], code: Int32, word: String)] = [
                (data + out, 73, "empty or absent folder"),
                (data + ["--resume"], 64, "--resume needs --out"),
                (data + out + ["--resume", "training.learning_rate=2e-3"], 78, "same recipe and overrides"),
                (data + out + ["--resume", "--seed", "4"], 78, "seed"),
                (["--data", folder + "/others"] + out + ["--resume"], 78, "data"),
                (data + out + ["--resume", "--feature-cache", folder + "/cache"], 78, "options"),
            ]
            for change in changes {
                let outcome = try dmt(arguments + change.arguments)
                #expect(outcome.code == change.code && outcome.err.contains(change.word), "\(outcome.err)")
            }
            #expect(try dmt(arguments + data + out + ["--resume"]).code == 0)
            let done = try dmt(arguments + data + out + ["--resume"])
            #expect(done.code == 73 && done.err.contains("a run that is done"), "\(done.err)")
            #expect(try dmt(["doctor"], fault: "kill-at-noon:1").code == 78)
        }
    }
}
