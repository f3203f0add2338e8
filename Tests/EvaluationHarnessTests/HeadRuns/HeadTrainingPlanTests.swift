import JSONText
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Plans of a head's training") struct HeadTrainingPlanTests {
    /// Recipes at the paper's scale, made small; the last is their task.
    private static let paper: [(name: String, task: HeadTask, overrides: [String])] = [
        ("linear-imagenet-mae-vit-b", .classify, ["views.size=32", "training.micro_batch=2"]),
        ("linear-imagenet-mocov3-vit-b", .classify, ["views.size=32", "training.micro_batch=2"]),
        ("finetune-imagenet-mae-vit-b", .classify, ["views.size=32"]),
        ("upernet-ade20k-mae-vit-b", .segment, ["views.crop=64", "head.channels=8", "head.auxiliary_channels=8"]),
        (
            "maskrcnn-coco-cae-vit-b", .detect,
            [
                "views={kind: multi_scale, size: 64, short_sides: [32, 48], long_side: 64}", "head.box_width=16",
                "head.channels=8",
            ]
        ),
        (
            "vitdet-coco-640-mae-lite-vit-ti", .detect,
            ["views.size=64", "windows.side=2", "head.channels=8", "head.box_width=16", "training.micro_batch=2"]
        ),
    ]

    @Test("every paper recipe of a head is planned without checkpoint and data", arguments: paper.indices)
    func withoutData(index: Int) throws {
        let (name, task, overrides) = Self.paper[index]
        var training = HeadTraining(task: task, recipe: "paper/\(name)", data: nil)
        training.overrides =
            overrides + [
                "training.batch=4", "backbone={image_size: 32, patch_size: 16, width: 24, depth: 12, heads: 2}",
            ]
        training.overrides += ["training.steps=200000", "training.warmup=1"]
        let plan = try HeadTrainingPlan(training, seed: 0)
        let json = plan.json
        #expect(json["data"] == .null && json["epochs"] == .null && json["pictures_seen"]?.int == 800_000)
        #expect((json["seconds"]?.double ?? 0) > 0 && (json["memory_bytes"]?.int ?? 0) > 100_000)
        #expect(json["classes"]?.int == Int64(task.usualClassCount))
        #expect(plan.text.contains("measured on a step of ") && plan.text.contains("not given"))
        let trained = try #require(json["trained_parameters"]?.int)
        if name.hasPrefix("linear") { #expect(trained == 24 * 1000 + 1000) }
    }

    @Test("data gives epochs; a limit takes pictures of every class")
    func withData() throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder, train: 16)
            var training = HeadTraining(task: .classify, recipe: "classify-scenes", data: scenes.folder)
            training.overrides = [
                "training.steps=6", "training.warmup=1", "training.batch=4", "views.size=32", "+training.ema=0.9",
                "backbone={image_size: 32, patch_size: 8, width: 16, depth: 1, heads: 2}",
            ]
            let all = try HeadTrainingPlan(training, seed: 0).json
            let count = try #require(all["data"]?["images"]?.int)
            #expect(all["epochs"]?.double == 24 / Double(count))
            #expect(all["protocol"]?["weights"] == .string("moving average, decay 0.9"))
            training.limit = 8
            let part = try HeadTrainingPlan(training, seed: 0).json
            #expect(part["data"]?["images"]?.int == 8 && part["epochs"]?.double == 3)
            // Three pictures are a batch of three.
            training.limit = 3
            let few = try HeadTrainingPlan(training, seed: 0).json
            #expect(few["batch"]?.int == 3 && few["epochs"]?.double == 6 && few["pictures_seen"]?.int == 18)
            training.limit = 8
            let dataset = try training.source("train").classification()
            #expect(Set((0..<8).map(dataset.label)).count > 1)
            #expect(try Folder.entries(folder) == ["scenes"])
        }
    }
}
