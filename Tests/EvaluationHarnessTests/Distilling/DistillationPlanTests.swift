import Distillation
import JSONText
import SafeFiles
import Testing
import VisionBackbones

@testable import EvaluationHarness

/// Recipes of every arm, read and planned at a small size.
struct DistillationPlanTests {
    private static let small = [
        "student.image_size=32", "student.patch_size=8", "student.depth=2", "training.batch=4",
        "training.micro_batch=2",
        "training.steps=10", "training.warmup_steps=1",
    ]

    private func run(_ name: String, _ overrides: [String] = []) throws -> DistillationRun {
        let recipe = try shippedLibrary().load(name, overrides: overrides)
        return try DistillationRun(recipe: recipe, seed: 0, resolvesTeachers: false)
    }

    private func teachers(
        _ count: Int, _ shape: String = "{image_size: 32, patch_size: 8, width: 48, depth: 2, heads: 4}"
    )
        -> [String]
    {
        (0..<count).map { "teachers[\($0)].backbone=\(shape)" }
    }

    static let arms = [
        "vit-ti-3teachers", "vit-ti-mae", "vit-ti-mean", "vit-ti-unic", "vit-ti-theia", "vit-ti-radio",
        "vit-ti-proteus",
        "vit-ti-g2sd",
    ]

    @Test(arguments: arms)
    func everyArmIsPlanned(_ arm: String) throws {
        let plan = try DistillationPlan(try run("paper/\(arm)", Self.small + teachers(3)))
        let json = plan.json
        #expect(json["pictures_seen"]?.int == 40)
        #expect((json["training_seconds"]?.double ?? 0) > 0 && (json["teacher_seconds"]?.double ?? 0) > 0)
        #expect((json["memory_bytes"]?.int ?? 0) > 100_000)
        #expect(plan.text.contains("measured on a step of 2 pictures"))
        #expect(json["teachers"]?.array?.count == (["vit-ti-mae", "vit-ti-g2sd"].contains(arm) ? 1 : 3))
    }

    @Test(arguments: ["vit-ti-tinymim", "vit-ti-dmae-attention"])
    func relationsArePlanned(_ arm: String) throws {
        let blocks = ["relation.student_block=1", "relation.teacher_block=1"]
        let plan = try DistillationPlan(try run("paper/\(arm)", Self.small + blocks + teachers(3)))
        #expect((plan.json["training_seconds"]?.double ?? 0) > 0)
        let error = #expect(throws: DataError.self) {
            try DistillationPlan(try run("paper/\(arm)", Self.small + teachers(3)))
        }
        #expect(error?.kind == .configuration && error?.record == "teacher 'mae'")
    }

    /// Those of every picture of the data set, where the recipe does not limit them.
    @Test func keptViewsAndTokensAreInTheEstimate() throws {
        let run = try run("paper/vit-ti-mean", Self.small + teachers(3) + ["views={kind: cached}"])
        let tokens = TeacherFeatureCache.byteCount(samples: 1, views: 2, patches: 16, width: 48)
        let plan = try DistillationPlan(run, pictures: 1100, times: false)
        #expect(plan.keptBytes == 1100 * (32 * 32 * 3 + 3 * tokens))
        #expect(try #require(plan.demand).fixedBytes > plan.keptBytes)
    }

    @Test func withoutAShapeNothingIsMeasured() throws {
        let removed = (0..<3).map { "~teachers[\($0)].backbone" }
        let plan = try DistillationPlan(try run("paper/vit-ti-3teachers", Self.small + removed))
        #expect(plan.json["training_seconds"] == nil)
        #expect(plan.json["teachers_unknown"]?.array?.count == 3)
        #expect(plan.text.contains("give teachers[].backbone for mae, mocov3, ibot"))
    }

    @Test func anotherPatchSizeIsRefusedByName() throws {
        let other = teachers(3, "{image_size: 32, patch_size: 16, width: 48, depth: 2, heads: 4}")
        let error = #expect(throws: DataError.self) {
            try DistillationPlan(try run("paper/vit-ti-3teachers", Self.small + other))
        }
        #expect(error?.record == "teacher 'mae'" && error?.expected == "the student's patch size, 8")
    }

    @Test(arguments: [
        ("paper/vit-ti-g2sd", "+adapter={kind: ladder, hidden: 8, last: 8}"),
        ("paper/vit-ti-g2sd", "targets.tokens=proteus"), ("paper/vit-ti-mean", "targets.tokens=none"),
        ("paper/vit-ti-tinymim", "fusion={kind: dropping}"), ("paper/vit-ti-mae", "fusion.teacher=dino"),
        ("paper/vit-ti-mean", "training.micro_batch=3"),
    ])
    func whatDoesNotGoTogetherIsRefused(_ name: String, _ override: String) {
        let error = #expect(throws: DataError.self) { try run(name, [override]) }
        #expect(error?.kind == .configuration)
    }
}
