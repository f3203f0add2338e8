import DenseData
import Determinism
import Foundation
import ImageFiles
import SafeFiles
import Testing
import VisionBackbones

@testable import EvaluationHarness

@Suite(.serialized) struct PretrainerTests {
    private static let pictures = (0..<12).map {
        DrawnScene(seed: 3, split: "train", index: $0, size: 32).picture
    }

    private func settings(_ method: PretrainingMethod) -> PretrainingSettings {
        var settings = PretrainingSettings(
            method: method,
            backbone: ViTConfiguration(
                imageSize: 32, patchSize: 8, width: 16, depth: 1, headCount: 2,
                position: method == .ibot ? .learned : .sinCos))
        settings.batchSize = 6
        settings.steps = 3
        settings.warmupSteps = 1
        settings.views.size = method == .mae ? 32 : 16
        settings.local.size = 8
        settings.localViews = 1
        settings.hiddenWidth = 24
        settings.outputWidth = 8
        settings.decoderWidth = 16
        settings.decoderDepth = 1
        settings.ibot.prototypes = 8
        settings.bottleneck = 8
        return settings
    }

    @Test(arguments: PretrainingMethod.allCases)
    func theSameSeedGivesTheSameBytesAtAnyThreadCount(method: PretrainingMethod) throws {
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        let results = try [1, 2, 3].map { threads in
            Parallel.setThreadCount(threads)
            let (encoder, history) = try Pretrainer(settings: settings(method), pictures: Self.pictures).run()
            return (encoder.stateEntries().map { $0.tensor.floats() }, history)
        }
        #expect(results[0].0 == results[1].0 && results[0].0 == results[2].0)
        #expect(results[0].1 == results[2].1)
        let fresh = VisionTransformer(settings(method).backbone, seed: 0).stateEntries().map { $0.tensor.floats() }
        #expect(results[0].0 != fresh)
    }

    @Test(arguments: PretrainingMethod.allCases)
    func theShippedRecipeOfEachMethodReads(method: PretrainingMethod) throws {
        let library = try shippedLibrary()
        let settings = try PretrainingSettings(library.load("teacher-\(method.rawValue)"), seed: 1)
        #expect(settings.method == method && settings.backbone.width == 128 && settings.seed == 1)
    }

    @Test func anUnknownKeyIsNamedWithASuggestion() throws {
        let recipe = try shippedLibrary().load("teacher-mae", overrides: ["+training.setps=3"])
        let error = #expect(throws: DataError.self) { try PretrainingSettings(recipe, seed: 0) }
        #expect(error?.kind == .configuration && error?.description.contains("setps") == true)
    }

    @Test func viewsMustBeWholePatches() throws {
        let recipe = try shippedLibrary().load("teacher-mae", overrides: ["views.size=90"])
        let error = #expect(throws: DataError.self) { try PretrainingSettings(recipe, seed: 0) }
        #expect(error?.kind == .configuration)
    }
}

/// The recipes of the checkout that this test was compiled from.
func shippedLibrary(file: String = #filePath) throws -> RecipeLibrary {
    let root = file.components(separatedBy: "/Tests/EvaluationHarnessTests/")[0]
    return RecipeLibrary(folder: root + "/share/dmt/recipes")
}
