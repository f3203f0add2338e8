import DenseData
import Determinism
import Distillation
import ImageFiles
import JSONText
import SafeFiles
import Testing
import VisionBackbones

@testable import EvaluationHarness

@Suite(.serialized) struct DistillerTests {
    private static let pictures = (0..<10).map {
        DrawnScene(seed: 5, split: "train", index: $0, size: 32).picture
    }

    private func vit(_ width: Int, _ depth: Int) -> ViTConfiguration {
        ViTConfiguration(imageSize: 32, patchSize: 8, width: width, depth: depth, headCount: 2, position: .sinCos)
    }

    private func teachers() -> [Teacher] {
        [("first", 24, UInt64(1)), ("second", 32, 2)].map { name, width, seed in
            Teacher(name: name, VisionTransformer(vit(width, 2), seed: seed))
        }
    }

    private func filled(_ teachers: [Teacher], _ pictures: [Picture], _ place: FeaturePlace = .memory) throws
        -> TeacherCaches
    {
        let caches = try TeacherCaches(teachers, pictures: pictures, place: place)
        try caches.fill(teachers, pictures: pictures)
        return caches
    }

    private func settings(_ views: DistillationViews) -> DistillationSettings {
        var settings = DistillationSettings(student: vit(16, 1))
        settings.steps = 40
        settings.warmupSteps = 2
        settings.batchSize = 5
        settings.learningRate = 3e-3
        settings.views = views
        return settings
    }

    @Test(arguments: DistillationViews.allCases)
    func aStudentComesCloserToItsTeachers(views: DistillationViews) throws {
        let teachers = teachers()
        let caches = views == .cached ? try filled(teachers, Self.pictures) : nil
        let result = try Distiller(settings: settings(views), pictures: DistillationPictures(Self.pictures))
            .run(teachers: teachers, caches: caches)
        let points = result.history.curves.first { $0.name == "total" }!.points
        #expect(points.last!.value < 0.8 * points.first!.value)
        #expect(result.diagnostics.count == 4)
        for type in ["cls", "patch"] {
            let gates = result.diagnostics.filter { $0.tokenType == type }.map(\.gate)
            #expect(abs(gates.reduce(0, +) - 1) < 1e-5)
        }
    }

    @Test func theSameSeedGivesTheSameBytesAtAnyThreadCount() throws {
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        let states = try [1, 3].map { threads in
            Parallel.setThreadCount(threads)
            let teachers = teachers()
            var settings = settings(.cached)
            settings.steps = 4
            let caches = try filled(teachers, Self.pictures)
            return try Distiller(settings: settings, pictures: DistillationPictures(Self.pictures))
                .run(teachers: teachers, caches: caches).student.stateEntries().map { $0.tensor.floats() }
        }
        #expect(states[0] == states[1])
    }

    @Test func oneTeacherIsSingleWhateverTheRecipeSays() {
        let settings = settings(.cached)
        guard case .single("only") = settings.resolvedFusion(["only"]) else {
            Issue.record("\(settings.resolvedFusion(["only"]))")
            return
        }
    }

    @Test func cachedViewsAreWholePicturesOrFixedCrops() throws {
        var settings = settings(.cached)
        #expect(try settings.cachedViews(of: DistillationPictures(Self.pictures)) == Self.pictures)
        settings.crops = (3, ViewFraming(size: 16, scale: 0.2...0.5))
        let crops = try settings.cachedViews(of: DistillationPictures(Self.pictures))
        #expect(settings.viewSide == 16)
        #expect(crops.count == 30 && crops.allSatisfy { $0.height == 16 && $0.width == 16 })
        #expect(Set(crops.map(\.pixels)).count == 30)
        #expect(try settings.cachedViews(of: DistillationPictures(Self.pictures)) == crops)
        settings.seed = 1
        #expect(try settings.cachedViews(of: DistillationPictures(Self.pictures)) != crops)
    }

    @Test func aStudentLearnsFromCropsOfAnotherSize() throws {
        var settings = settings(.cached)
        settings.crops = (2, ViewFraming(size: 16, scale: 0.2...0.5))
        settings.steps = 3
        let views = try settings.cachedViews(of: DistillationPictures(Self.pictures))
        let teachers = teachers()
        let result = try Distiller(settings: settings, pictures: DistillationPictures(views))
            .run(teachers: teachers, caches: filled(teachers, views))
        #expect(result.student.configuration.imageSize == 32)
        #expect(result.history.curves.allSatisfy { $0.points.allSatisfy { $0.value.isFinite } })
    }

    @Test(arguments: ["size: 20, scale: [0.3, 1], count: 2", "size: 16, scale: [0.3, 1.2], count: 2", "size: 16"])
    func badCropsAreRefused(text: String) throws {
        let recipe = try shippedLibrary().load("distill-scenes", overrides: ["+views.crops={\(text)}"])
        let error = #expect(throws: DataError.self) {
            try DistillationRun(recipe: recipe, seed: 0, resolvesTeachers: false)
        }
        #expect(error?.kind == .configuration)
    }

    @Test func thePlanNeedsNeitherCheckpointsNorData() throws {
        let recipe = try shippedLibrary().load("distill-scenes")
        let plan = try DistillationPlan(DistillationRun(recipe: recipe, seed: 0, resolvesTeachers: false)).json
        #expect(plan["pictures_seen"]?.int == 12_800)
        #expect(plan["teachers"]?.array?.count == 3)
    }

    @Test func twoTeachersOfOneNameAreRefused() throws {
        let recipe = try shippedLibrary().load("distill-scenes", overrides: ["teachers[1].name=mae"])
        let error = #expect(throws: DataError.self) {
            try DistillationRun(recipe: recipe, seed: 0, resolvesTeachers: false)
        }
        #expect(error?.kind == .configuration && error?.record?.contains("teachers") == true)
    }
}
