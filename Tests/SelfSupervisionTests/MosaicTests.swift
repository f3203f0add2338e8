import Autograd
import Determinism
import NeuralLayers
import TensorCore
import Testing

@testable import SelfSupervision

@Suite struct MosaicTests {
    /// Pixels as tokens: what comes back for a view must be its own pixels, wherever it lay.
    @Test func viewsComeBackFromTheirPlaces() {
        var stream = RandomStream(seed: 4, purpose: "mosaic test")
        let mosaic = Mosaic(views: 18, viewsPerSide: 3, &stream)
        let views = Tensor((0..<18 * 2 * 2 * 3).map(Float.init), [18, 2, 2, 3])
        let canvases = mosaic.canvases(of: views)
        #expect(canvases.shape == [2, 6, 6, 3])
        #expect(canvases.floats() != views.floats())
        let pixels = Variable(canvases.reshaped([2, 36, 3]))
        let tokens = Tokens(classToken: pixels, patches: pixels, grid: (6, 6))
        let back = mosaic.viewTokens(tokens)
        #expect(back.shape == [18, 4, 3])
        #expect(back.value.floats() == views.floats())
    }

    @Test func oneViewACanvasIsThePlainMean() {
        var stream = RandomStream(seed: 4, purpose: "mosaic test")
        let encoder = ContrastiveEncoder(
            encoder: TinyEncoder(), hidden: 16, output: 6, pooling: .meanToken, seed: 1)
        let views = waves(5)
        let alone = encoder(ContrastiveView(views), .init(mode: .training)).value.floats()
        let mosaic = Mosaic(views: 5, viewsPerSide: 1, &stream)
        let laid = encoder(ContrastiveView(views, mosaic: mosaic), .init(mode: .training)).value.floats()
        #expect(zip(alone, laid).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func gradientsAgreeWithDifferences() {
        let encoders = (0..<2).map { _ in
            ContrastiveEncoder(encoder: TinyEncoder(), hidden: 16, output: 6, pooling: .meanToken, seed: 1)
        }
        let model = MoCoV3(
            base: encoders[0], momentum: encoders[1], hidden: 16, output: 6, temperature: 0.2,
            frozenPatchProjection: [], seed: 1)
        convertToDouble(model)
        var stream = RandomStream(seed: 4, purpose: "mosaic test")
        let views = (0..<2).map { index in
            ContrastiveView(
                waves(8, seed: UInt64(index + 1), dtype: .f64), mosaic: Mosaic(views: 8, viewsPerSide: 2, &stream))
        }
        checkGradients(model, "MoCo v3 with a mosaic") { LossTerm.total(model.loss(views[0], views[1], $0)) }
    }
}
