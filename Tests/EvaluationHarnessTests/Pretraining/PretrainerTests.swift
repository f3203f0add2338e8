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
            let pretrainer = Pretrainer(settings: settings(method), pictures: Self.pictures)
            let history = try pretrainer.run()
            return (pretrainer.encoder.stateEntries().map { $0.tensor.floats() }, history)
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

    @Test(arguments: [
        ("teacher-mae", "views.size=90"), ("teacher-mocov3", "views.canvas=100"),
        ("teacher-mocov3", "training.batch=96"), ("teacher-mocov3", "mocov3.pooling=classToken"),
        ("teacher-mocov3", "views.region=[0, 12]"), ("teacher-ibot", "views.local_size=12"),
        ("teacher-ibot", "+views.colours={hue: 0.6}"),
    ])
    func viewsThatDoNotFitAreRefused(recipe: String, override: String) throws {
        let recipe = try shippedLibrary().load(recipe, overrides: [override])
        let error = #expect(throws: DataError.self) { try PretrainingSettings(recipe, seed: 0) }
        #expect(error?.kind == .configuration)
    }

    /// A picture whose colours are coordinates shows where each view was taken.
    @Test func bothViewsOfAPictureLieInItsRegion() {
        let side = 96
        var pixels: [UInt8] = []
        for y in 0..<side { for x in 0..<side { pixels += [UInt8(2 * x), UInt8(2 * y), 0] } }
        let pictures = (0..<8).map { _ in Picture(height: side, width: side, pixels: pixels) }
        let region = 24.0
        let maker = ViewMaker(ViewFraming(size: 16, scale: 0.2...1, region: region...region))
        let views = ["first", "second"].map { maker.batch(pictures, seed: 3, purpose: $0, step: 5) }
        #expect(views[0].floats() != views[1].floats())
        var corners: Set<[Int]> = []
        for n in pictures.indices {
            let extents = (0..<2).map { channel in
                let values = views.flatMap { view in
                    (0..<256).map { Double(view.floats()[(n * 256 + $0) * 3 + channel]) }
                }
                let deviation = [0.229, 0.224][channel]
                return (
                    low: values.min()! * deviation * 127.5, span: (values.max()! - values.min()!) * deviation * 127.5
                )
            }
            #expect(extents.allSatisfy { $0.span <= region - 0.5 && $0.span > 4 }, "\(extents)")
            corners.insert(extents.map { Int($0.low) })
        }
        #expect(corners.count > 4)
    }

    @Test func mosaicsAreTheSameBytesAtAnyThreadCount() throws {
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        var settings = settings(.mocov3)
        settings.batchSize = 8
        settings.canvasSide = 32
        settings.views.region = 12...20
        let results = try [1, 3].map { threads in
            Parallel.setThreadCount(threads)
            let pretrainer = Pretrainer(settings: settings, pictures: Self.pictures)
            _ = try pretrainer.run()
            return pretrainer.encoder.stateEntries().map { $0.tensor.floats() }
        }
        #expect(results[0] == results[1])
        settings.canvasSide = nil
        settings.pooling = .meanToken
        let alone = Pretrainer(settings: settings, pictures: Self.pictures)
        _ = try alone.run()
        #expect(alone.encoder.stateEntries().map { $0.tensor.floats() } != results[0])
    }
}

/// The recipes of the checkout that this test was compiled from.
func shippedLibrary(file: String = #filePath) throws -> RecipeLibrary {
    let root = file.components(separatedBy: "/Tests/EvaluationHarnessTests/")[0]
    return RecipeLibrary(folder: root + "/share/dmt/recipes")
}
