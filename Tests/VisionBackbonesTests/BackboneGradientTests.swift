import Autograd
import NeuralLayers
import TensorCore
import TestSupport
import Testing
import VisionBackbones

/// Backbones of every form against differences along directions of all parameters, in Double: three directions, or as many as
/// `DMT_GRADIENT_DIRECTIONS` says.
@Suite struct BackboneGradientTests {
    private static func configuration(
        _ position: PositionEmbedding, dropPath: Double = 0, _ change: (inout ViTConfiguration) -> Void = { _ in }
    ) -> ViTConfiguration {
        var configuration = ViTConfiguration(
            imageSize: 16, patchSize: 4, width: 12, depth: 2, headCount: 3, mlpRatio: 2, position: position,
            dropPath: dropPath)
        change(&configuration)
        return configuration
    }

    private static let vits: [String: ViTConfiguration] = [
        "fixed positions": configuration(.sinCos),
        "learned positions": configuration(.learned),
        "learned positions with DINO's resize": configuration(.learned) { $0.positionResize = .bicubicOffset },
        "dropped branches": configuration(.learned, dropPath: 0.5),
        "without a final norm": configuration(.learned) { $0.hasFinalNorm = false },
        "registers, LayerScale, SwiGLU": configuration(.learned) {
            $0.registerCount = 2
            $0.block.layerScale = 0.3
            $0.block.perceptron = .swiGLU
        },
        "relative biases": configuration(.none) {
            $0.block.relativeBiasSide = 4
            $0.block.projectionBias = .queryAndValue
            $0.block.layerScale = 0.3
        },
        "no projection biases": configuration(.learned) { $0.block.projectionBias = .none },
    ]

    /// Redraws every parameter, so that none sits at a special value, in Double.
    private func redraw(_ layer: some Layer) {
        var maker = TensorMaker("weights of a backbone")
        for parameter in layer.parameters {
            parameter.value = Elementwise.sum(
                parameter.value.converted(to: .f64), maker.normal(parameter.shape, scale: 0.2))
            parameter.gradient = nil
        }
    }

    private func check(_ layer: some Layer, _ name: String, loss: @escaping (Forward) -> Variable) {
        let count = EnvironmentCount("DMT_GRADIENT_DIRECTIONS")
        let check = DirectionalCheck(layer.parameters) { loss(Forward(mode: .training, seed: 3, tape: $0)) }
        let report = check.randomDirections(count.wanted ?? 3)
        #expect(report.worst < Tolerance.directionalCheck, "\(name): \(report)")
        count.tell("\(name): \(check.valueCount) values, \(count.wanted ?? 0) directions, \(report.worst)")
    }

    private func weighted(_ values: [Variable]) -> Variable {
        var maker = TensorMaker("weights of the outputs")
        return Variable.weightedSum(
            values.map { ($0.multiplied(by: Variable(maker.normal($0.shape))).mean(), 1) })
    }

    @Test(arguments: vits.keys.sorted()) func tokensMatchDifferences(_ name: String) throws {
        let configuration = try #require(Self.vits[name])
        let model = VisionTransformer(configuration, seed: 4)
        redraw(model)
        var maker = TensorMaker("pictures")
        // Not the size that positions were made for, where they can be resized.
        let images = Variable(maker.normal(2, configuration.position == .learned ? 20 : 16, 16, 3))
        check(model, "ViT, \(name)") { forward in
            let tokens = model.tokens(of: images, TokenRequest(taps: [0]), forward)
            return weighted([tokens.classToken, tokens.patches] + tokens.taps)
        }
    }

    @Test func visiblePatchesMatchDifferences() {
        let model = VisionTransformer(Self.configuration(.sinCos), seed: 4)
        redraw(model)
        var maker = TensorMaker("pictures")
        let images = Variable(maker.normal(2, 16, 16, 3))
        let visible: [[Int32]] = [[3, 0, 11, 7], [15, 2, 8, 9]]
        check(model, "ViT, visible patches") { forward in
            let tokens = model.tokens(of: images, TokenRequest(visible: visible), forward)
            return weighted([tokens.classToken, tokens.patches])
        }
    }

    @Test func windowedMapsMatchDifferences() {
        let configuration = ViTDetConfiguration(
            imageSize: 20, pretrainedSize: 16, patchSize: 4, width: 12, depth: 3, headCount: 3, mlpRatio: 2, window: 3,
            globalBlocks: [1], dropPath: 0.3)
        let model = ViTDetBackbone(configuration, seed: 4)
        redraw(model)
        var maker = TensorMaker("pictures")
        // A grid of 5 x 4 tokens that windows of 3 x 3 do not fill.
        let images = Variable(maker.normal(2, 20, 16, 3))
        check(model, "ViTDet, windows") { forward in weighted(model.features(of: images, forward).maps.map(\.map)) }
    }
}
