import JSONText
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Training and evaluation runs") struct HeadRunTests {
    private static let recipe = """
        kind: train
        task: TASK
        name: tiny
        source: a test
        cost: seconds
        expected: nothing
        backbone: {image_size: 64, patch_size: 8, width: 16, depth: 4, heads: 2}
        head: {HEAD}
        views: {VIEWS}
        training: {steps: 3, batch: 2, warmup: 1}
        """

    private func session() throws -> CommandSession {
        var options = CommandSession.Options()
        options.isQuiet = true
        return try CommandSession(options)
    }

    private func train(_ task: HeadTask, _ folder: String, _ scenes: DrawnScenes) throws -> String {
        let (head, views) =
            switch task {
            case .segment: ("kind: upernet, channels: 8", "crop: 64, short_side: 64")
            case .detect: ("channels: 8, box_width: 16, mask_channels: 8, anchor_sizes: [8, 16, 32, 48]", "size: 64")
            case .classify: ("pooling: meanPatches", "size: 32")
            }
        let text = Self.recipe.replacing("TASK", with: task.rawValue).replacing("HEAD", with: head)
            .replacing("VIEWS", with: views)
        try write(text, to: "\(folder)/\(task.rawValue).yaml")
        var training = HeadTraining(task: task, recipe: "\(folder)/\(task.rawValue).yaml", data: scenes.folder)
        training.out = "\(folder)/train-\(task.rawValue)"
        _ = try training.run(session())
        let files = try Folder.entries("\(folder)/train-\(task.rawValue)")
        for name in ["STATUS", "checkpoint.safetensors", "metrics.jsonl", "history.json", "env.json", "log.txt"] {
            #expect(files.contains(name))
        }
        #expect(try RunFolder.status(of: "\(folder)/train-\(task.rawValue)") == .done)
        return "\(folder)/train-\(task.rawValue)/checkpoint.safetensors"
    }

    @Test(
        "every task trains and evaluates into a complete record, and its predictions alone give the same numbers",
        arguments: HeadTask.allCases)
    func records(task: HeadTask) throws {
        try withTemporaryFolder { folder in
            // Enough pictures that every class has one.
            let scenes = try DrawnScenes(folder, val: 16)
            let checkpoint = try train(task, folder, scenes)
            let evaluated = EvaluationTask(rawValue: task.rawValue)!
            var evaluation = HeadEvaluation(task: evaluated, data: scenes.folder)
            evaluation.checkpoint = checkpoint
            evaluation.out = folder + "/eval"
            evaluation.bootstrapDraws = 100
            _ = try evaluation.run(session())
            let record = try RunRecord.load(folder + "/eval/run.json")
            let f = record.fields
            #expect(f.arm == "scratch" && f.dataset.scoredImages == f.dataset.listedImages)
            #expect(f.checkpoint?.name == "checkpoint.safetensors")
            #expect(f.protocolFingerprint["schedule"]?.hasPrefix("3 steps of 2") == true)
            #expect(f.protocolFingerprint["image list"] == nil)
            #expect(f.settings.contains { $0.key == "training.training.steps" && $0.value == "3" })
            let wanted = ["segment": ["mIoU"], "detect": ["AP_box", "AP_mask"], "classify": ["top1"]][task.rawValue]!
            for name in wanted { #expect(record.metric(name) != nil) }
            for name in ["report.md", "report.json", "report.html", "per_class.csv", "per_image.csv"] {
                #expect(FileBytes.exists("\(folder)/eval/\(name)"))
            }
            let evidence = try RunEvidence.load("\(folder)/eval/evidence.safetensors")
            #expect(evidence.content.metrics(bootstrap: Bootstrap(drawCount: 100)) == f.metrics)
            #expect(evidence.images.count == f.dataset.scoredImages && evidence.classes.count == f.dataset.classCount)
            #expect(try evidence.images.sorted() == pictures(scenes, evaluated))
            let lines = try text(of: "\(folder)/eval/per_image.csv").split(separator: "\r\n")
            #expect(lines.count == 1 + evidence.images.count && lines[1].hasPrefix(evidence.images[0] + ","))
            let kinds = ["segment": "predictions", "detect": "predictions.json", "classify": "predictions.tsv"]
            var again = HeadEvaluation(task: evaluated, data: scenes.folder)
            again.predictions = "\(folder)/eval/\(kinds[task.rawValue]!)"
            again.out = folder + "/again"
            again.bootstrapDraws = 100
            _ = try again.run(session())
            let second = try RunRecord.load(folder + "/again/run.json")
            #expect(second.fields.metrics == f.metrics)
            #expect(
                try FileBytes.read("\(folder)/again/evidence.safetensors", limit: 1 << 24)
                    == FileBytes.read("\(folder)/eval/evidence.safetensors", limit: 1 << 24))
            #expect(second.fields.checkpoint == nil)
            #expect(!record.isComparable(to: second))
        }
    }

    /// Names of the validation pictures, ascending.
    private func pictures(_ scenes: DrawnScenes, _ task: EvaluationTask) throws -> [String] {
        let source = try scenes.data(task, split: "val")
        switch task {
        case .segment:
            let dataset = try source.segmentation()
            return (0..<dataset.count).map(dataset.name).sorted()
        case .detect:
            let dataset = try source.detection()
            return (0..<dataset.count).map(dataset.name).sorted()
        default:
            let dataset = try source.classification()
            return (0..<dataset.count).map(dataset.name).sorted()
        }
    }

    @Test(
        "an image list restricts truth and predictions, and the protocol says so",
        arguments: [EvaluationTask.segment, .detect])
    func imageList(task: EvaluationTask) throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder)
            let checkpoint = try train(HeadTask(rawValue: task.rawValue)!, folder, scenes)
            let whole = try scenes.data(task, split: "val")
            let first = task == .detect ? try whole.detection().name(at: 0) : try whole.segmentation().name(at: 0)
            try write(first + "\n", to: folder + "/one.txt")
            var evaluation = HeadEvaluation(task: task, data: scenes.folder)
            evaluation.checkpoint = checkpoint
            evaluation.imageList = folder + "/one.txt"
            evaluation.out = folder + "/eval"
            _ = try evaluation.run(session())
            let record = try RunRecord.load(folder + "/eval/run.json")
            #expect(record.fields.dataset.coverage == "1 of 3 images")
            #expect(record.fields.protocolFingerprint["image list"]?.hasPrefix("1 of 3 images, one.txt") == true)
            #expect(record.fields.warnings.contains { $0.code == "image_list" })
            #expect(record.fields.metrics.allSatisfy { $0.sampleCount == 1 })
        }
    }

    @Test("a missing checkpoint leaves no run folder")
    func missingCheckpoint() throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder)
            var evaluation = HeadEvaluation(task: .segment, data: scenes.folder)
            evaluation.checkpoint = folder + "/none.safetensors"
            evaluation.out = folder + "/eval"
            let error = #expect(throws: DataError.self) { try evaluation.run(session()) }
            #expect(error?.kind == .missing)
            #expect(!Folder.exists(folder + "/eval"))
        }
    }

    @Test("predicting alone leaves predictions and no record")
    func predictOnly() throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder)
            var evaluation = HeadEvaluation(task: .segment, data: scenes.folder)
            evaluation.checkpoint = try train(.segment, folder, scenes)
            evaluation.predictsOnly = true
            evaluation.out = folder + "/eval"
            let document = try evaluation.run(session())
            #expect(document["images"]?.int == 3)
            #expect(try Folder.entries(folder + "/eval/predictions").count == 3)
            #expect(!FileBytes.exists(folder + "/eval/run.json"))
        }
    }

    @Test("a misspelled key and a recipe of another task are refused before any run folder is made")
    func wrongRecipes() throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder)
            let text = Self.recipe.replacing("TASK", with: "classify").replacing("HEAD", with: "")
            try write(text.replacing("VIEWS", with: "sice: 32"), to: folder + "/a.yaml")
            var training = HeadTraining(task: .classify, recipe: folder + "/a.yaml", data: scenes.folder)
            training.out = folder + "/run"
            let spelled = #expect(throws: DataError.self) { try training.run(session()) }
            #expect(spelled?.record == "views.sice")
            training.task = .segment
            let other = #expect(throws: DataError.self) { try training.run(session()) }
            #expect(other?.kind == .configuration)
            #expect(!Folder.exists(folder + "/run"))
        }
    }
}
