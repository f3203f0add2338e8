import Autograd
import NeuralLayers
import TensorCore
import TestSupport
import Testing
import VisionBackbones

/// Our ViT against timm's, with the same weights.
@Suite struct VisionTransformerGoldenTests {
    private func model() throws -> VisionTransformer {
        let tensors = try golden("tiny")
        let configuration = try ViTShape.configuration(tensors.mapValues(\.shape), headCount: 3, file: "tiny")
        let model = VisionTransformer(configuration, seed: 1)
        try model.load(tensors, from: "tiny")
        return model
    }

    private func tokens(_ model: VisionTransformer, _ images: Tensor, _ forward: Forward) -> Variable {
        let tokens = model.tokens(of: Variable(images), forward)
        let (pictures, width) = (images.shape[0], model.width)
        return .concatenated([tokens.classToken.reshaped([pictures, 1, width]), tokens.patches], axis: 1)
    }

    @Test func theShapeIsRead() throws {
        let shape = try model().configuration
        #expect(shape.imageSize == 16 && shape.patchSize == 4 && shape.width == 24 && shape.depth == 2)
        #expect(shape.hiddenWidth == 48)
    }

    /// `native` has the trained grid; `resized` needs positions resized by bicubic interpolation from 4 x 4 to 6 x 6.
    @Test(arguments: ["native", "resized"]) func tokensAndGradientsEqualTimm(_ name: String) throws {
        let (expected, model) = (try golden(name), try model())
        let tape = Tape()
        let found = tokens(model, expected["images"]!, Forward(mode: .training, tape: tape))
        #expect(found.shape == expected["tokens"]!.shape)
        let values = Comparison(found.value.doubles(), expected["tokens"]!.doubles(), tolerance: 1e-5)
        #expect(values.isWithinBounds, "tokens: \(values)")
        tape.backward(found.multiplied(by: Variable(expected["projection"]!)).sum())
        var checked = 0
        for entry in model.stateEntries() {
            guard let wanted = expected["gradient.\(entry.name)"], case .parameter(let parameter) = entry.storage else {
                continue
            }
            let gradient = try #require(parameter.gradient)
            let comparison = Comparison(gradient.doubles(), wanted.doubles(), tolerance: 1e-5)
            #expect(comparison.isWithinBounds, "\(entry.name): \(comparison)")
            checked += 1
        }
        #expect(checked == expected.keys.count { $0.hasPrefix("gradient.") } && checked >= 2)
    }

    /// The check can fail: other weights give other tokens.
    @Test func anotherPositionTableIsNoticed() throws {
        let (expected, model) = (try golden("native"), try model())
        model.positions!.value.f32()[30] += 0.01
        let found = tokens(model, expected["images"]!, .evaluation)
        #expect(!Comparison(found.value.doubles(), expected["tokens"]!.doubles(), tolerance: 1e-5).isWithinBounds)
    }

    @Test func tapsAreBlockOutputsBeforeTheNorm() throws {
        let (expected, model) = (try golden("native"), try model())
        let tokens = model.tokens(
            of: Variable(expected["images"]!), TokenRequest(taps: [1, 0]), .evaluation)
        #expect(tokens.taps.map(\.shape) == [[2, 17, 24], [2, 17, 24]])
        let normed = model.norm(tokens.taps[0], .evaluation).sliced(axis: 1, 1..<17)
        #expect(normed.value.floats() == tokens.patches.value.floats())
    }

    /// Each patch keeps its own position when only some are visible.
    @Test func visiblePatchesInAnyOrderGiveTheirTokens() throws {
        let (expected, model) = (try golden("native"), try model())
        let images = Variable(expected["images"]!)
        let all: [Int32] = Array(0..<16)
        let plain = model.tokens(of: images, .evaluation)
        let turned = model.tokens(
            of: images, TokenRequest(visible: [all.reversed(), all]), .evaluation)
        let comparison = Comparison(
            turned.patches.value.rows(0..<1).reshaped([16, 24]).rows(15..<16).doubles(),
            plain.patches.value.rows(0..<1).reshaped([16, 24]).rows(0..<1).doubles(), tolerance: 1e-5)
        #expect(comparison.isWithinBounds, "\(comparison)")
    }
}
