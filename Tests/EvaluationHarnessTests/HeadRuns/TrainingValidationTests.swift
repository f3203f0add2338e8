import CheckpointIO
import Foundation
import JSONText
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Validation while training") struct TrainingValidationTests {
    private static let metrics: [HeadTask: String] = [.segment: "mIoU", .detect: "AP_box", .classify: "top1"]

    private func session() throws -> CommandSession {
        var options = CommandSession.Options()
        options.isQuiet = true
        return try CommandSession(options, interrupt: Interrupt())
    }

    private func overrides(_ task: HeadTask) -> [String] {
        let common = [
            "training.steps=6", "training.batch=2", "training.warmup=1", "training.rate=2e-3",
            "backbone={image_size: 64, patch_size: 8, width: 16, depth: 4, heads: 2}",
        ]
        switch task {
        case .segment: return common + ["head.channels=8", "views.crop=64", "views.short_side=64"]
        case .detect:
            return common + [
                "head.channels=8", "head.box_width=16", "head.mask_channels=8", "views.size=64",
                "head.anchor_sizes=[8, 16, 32, 48]",
            ]
        case .classify: return common + ["views.size=32"]
        }
    }

    private func train(
        _ task: HeadTask, _ scenes: DrawnScenes, to out: String, _ more: [String] = []
    ) throws -> JSONValue {
        var training = HeadTraining(task: task, recipe: "\(task.rawValue)-scenes", data: scenes.folder)
        training.overrides = overrides(task) + more
        training.out = out
        return try training.run(session())
    }

    private func tensors(_ file: String) throws -> [String: [Float]] {
        try Safetensors.load(file).tensors.mapValues { $0.floats() }
    }

    @Test("changes no byte of the training; the best checkpoint scores what was logged", arguments: HeadTask.allCases)
    func bestCheckpoint(task: HeadTask) throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder, val: 8)
            _ = try train(task, scenes, to: folder + "/plain")
            let document = try train(task, scenes, to: folder + "/run", ["+training.validate={every: 2}"])
            let last = try tensors(folder + "/run/checkpoint.safetensors")
            #expect(last == (try tensors(folder + "/plain/checkpoint.safetensors")))
            let metric = try #require(Self.metrics[task])
            let lines = try text(of: folder + "/run/metrics.jsonl").split(separator: "\n").map {
                try JSONValue.parse(String($0), file: "x")
            }
            let measured = lines.compactMap { line in
                line["validation/\(metric)"]?.double.map { (line["step"]?.int, $0) }
            }
            #expect(measured.map(\.0) == [2, 4, 6])
            let best = try #require(measured.map(\.1).max())
            let step = try #require(measured.first { $0.1 == best }?.0)
            #expect(document["best"]?["value"]?.double == best && document["best"]?["step"]?.int == step)
            let history = try JSONValue.parse(try text(of: folder + "/run/history.json"), file: "x")
            #expect(history["curves"]?["validation/\(metric)"]?.array?.count == 3)
            if step == 6 { #expect(try tensors(folder + "/run/best.safetensors") == last) }

            var evaluation = HeadEvaluation(task: EvaluationTask(rawValue: task.rawValue)!, data: scenes.folder)
            evaluation.checkpoint = folder + "/run/best.safetensors"
            evaluation.out = folder + "/eval"
            evaluation.bootstrapDraws = 0
            _ = try evaluation.run(session())
            let fields = try RunRecord.load(folder + "/eval/run.json").fields
            #expect(fields.metrics.first { $0.name == metric }?.value == best)
            let data = "\(fields.dataset.name) val, \(fields.dataset.scoredImages) images"
            #expect(fields.selectionRule == "best \(metric) on \(data), step \(step)")
            #expect(fields.warnings.contains { $0.code == "selection_on_reported_split" })
        }
    }

    @Test("the averaged weights are those that are measured and saved; the last ones stand beside them")
    func averages() throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder, val: 8)
            _ = try train(.classify, scenes, to: folder + "/plain")
            _ = try train(
                .classify, scenes, to: folder + "/run",
                ["+training.ema=0.5", "+training.validate={every: 6, pictures: 4}"])
            let plain = try tensors(folder + "/plain/checkpoint.safetensors")
            let average = try tensors(folder + "/run/checkpoint.safetensors")
            #expect(try tensors(folder + "/run/last.safetensors") == plain && average != plain)
            #expect(try tensors(folder + "/run/best.safetensors") == average)
            let notes = TrainingNotes(try Safetensors.load(folder + "/run/checkpoint.safetensors").metadata)
            #expect(notes.protocolEntries.contains { $0 == ("weights", "moving average, decay 0.5") })
            let last = TrainingNotes(try Safetensors.load(folder + "/run/last.safetensors").metadata)
            #expect(!last.protocolEntries.contains { $0.0 == "weights" })
        }
    }

    @Test("a split that is not there is told before anything is trained")
    func refusals() throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder)
            let error = #expect(throws: DataError.self) {
                try train(.classify, scenes, to: folder + "/run", ["+training.validate={every: 2, split: test}"])
            }
            #expect(error?.description.contains("test") == true && !Folder.exists(folder + "/run"), "\(error!)")
        }
    }

    @Test(
        "a metric that is not defined leaves no point; a best checkpoint that is gone is missed at the next measurement"
    )
    func missingBest() throws {
        try withTemporaryFolder { folder in
            let run = try SnapshotFixture.run(folder + "/run")
            let session = try session()
            let logs = try TrainingLogs(run, firstStep: 0, totalSteps: 8, session: session)
            var value: Double? = nil
            let measurement = TrainingValidation.Measurement(
                plan: ValidationPlan(every: 2), metric: "top1", data: "d val, 1 images", hash: "h",
                metrics: { _ in
                    [
                        MetricValue(
                            name: "top1", value: value, unit: .fraction, direction: .higherIsBetter, sampleCount: 1,
                            undefinedReason: value == nil ? "none" : nil)
                    ]
                }, pictures: { _ in [] },
                save: { path, metadata in try AtomicFile.write(metadata["dmt.selection"] ?? "", to: path) })
            let validation = TrainingValidation(
                measurement, totalSteps: 8, notes: TrainingNotes(), in: run, logs: logs, session: session)
            var history = TrainingHistory(window: 4)
            try validation(1, &history)
            try validation(2, &history)
            #expect(history.curves.isEmpty && validation.json(history) == .null)
            value = 0.5
            try validation(4, &history)
            let best = folder + "/run/best.safetensors"
            #expect(try text(of: best) == "best top1 on d val, 1 images, step 4")
            value = 0.25
            try validation(6, &history)
            #expect(try text(of: best).hasSuffix("step 4"))
            try FileManager.default.removeItem(atPath: best)
            let error = #expect(throws: DataError.self) { try validation(8, &history) }
            #expect(error?.kind == .missing && error?.file.hasSuffix("best.safetensors") == true)
        }
    }

    @Test("the first of equal scores is the best")
    func ties() {
        var history = TrainingHistory(window: 2)
        for (step, value) in [(1, 0.5), (2, 0.75), (3, 0.75), (4, 0.25)] {
            history.mark("validation/top1", value, step: step)
        }
        #expect(TrainingValidation.best(of: history, "top1") == TrainingHistory.Point(step: 2, value: 0.75))
        #expect(TrainingValidation.best(of: history, "mIoU") == nil)
    }
}
