import Autograd
import NeuralLayers
import TensorCore
import TestSupport
import Testing
import VisionBackbones

/// Members of the ViT family against their reference implementations, from weights in the published layout:
/// `Tests/Fixtures/vit/make_family.py`.
@Suite struct ViTFamilyGoldenTests {
    /// How a published tensor becomes ours: its name, and for timm's table without class token a row of zeros.
    private func ours(_ tensors: [String: Tensor], _ source: CheckpointSource) throws -> [String: Tensor] {
        let names = try EncoderNames(source, keys: tensors.keys, file: source.rawValue)
        var result: [String: Tensor] = [:]
        for (key, tensor) in tensors {
            guard let name = names.name(of: key) else { continue }
            result[name] = tensor
        }
        if let table = result["pos_embed"], ViTShape.lacksClassPosition(rows: table.shape[1]) {
            let first = Variable(Tensor.zeros([1, 1, table.shape[2]]))
            result["pos_embed"] = Variable.concatenated([first, Variable(table)], axis: 1).value
        }
        return result
    }

    private func compare(
        _ found: Variable, _ model: some Layer, _ expected: [String: Tensor], _ gradients: [String: Tensor],
        _ tape: Tape
    ) throws {
        #expect(found.shape == expected["tokens"]!.shape)
        let values = Comparison(found.value.doubles(), expected["tokens"]!.doubles(), tolerance: 2e-5)
        #expect(values.isWithinBounds, "tokens: \(values)")
        tape.backward(found.multiplied(by: Variable(expected["projection"]!)).sum())
        var checked = 0
        for entry in model.stateEntries() {
            guard case .parameter(let parameter) = entry.storage, let wanted = gradients[entry.name] else { continue }
            let gradient = try #require(parameter.gradient)
            let scale = max(1, wanted.doubles().map(abs).max() ?? 0)
            let comparison = Comparison(
                gradient.doubles().map { $0 / scale }, wanted.doubles().map { $0 / scale }, tolerance: 1e-4)
            #expect(comparison.isWithinBounds, "\(entry.name): \(comparison)")
            checked += 1
        }
        #expect(checked == gradients.count)
    }

    /// The losses of the reference's AdamW steps towards the projection.
    private func followSteps(
        _ model: some Layer, _ expected: [String: Tensor], count: Int = 10, _ tokens: (Forward) -> Variable
    ) throws {
        let losses = try #require(expected["steps"]).doubles()
        #expect(losses.count == 10)
        let optimizer = AdamW(ParameterGroup.decayed(model.stateEntries(), weightDecay: 0.05))
        optimizer.zeroGradients()
        for (step, wanted) in losses.prefix(count).enumerated() {
            let tape = Tape()
            let loss = tokens(Forward(mode: .training, tape: tape)).meanSquaredError(expected["projection"]!)
            #expect(abs(loss.item() - wanted) <= 1e-4 * wanted, "step \(step): \(loss.item()), expected \(wanted)")
            tape.backward(loss)
            optimizer.step(learningRate: 1e-3, clipNorm: nil)
            optimizer.zeroGradients()
        }
    }

    @Test(
        "tokens, every gradient and ten steps equal the reference",
        arguments: [
            ("beit", CheckpointSource.beit), ("dinov2", .dinov2), ("timm-registers", .timm),
        ])
    func encoders(file: String, source: CheckpointSource) throws {
        let (published, expected) = (try golden(file), try golden("\(file)-golden"))
        let tensors = try ours(published, source)
        let configuration = try ViTShape.configuration(tensors.mapValues(\.shape), headCount: 3, file: file)
        let model = VisionTransformer(configuration, seed: 1)
        try model.load(tensors, from: file)
        #expect(configuration.parameterCount() == tensors.values.reduce(0) { $0 + $1.count })
        let tape = Tape()
        let images = expected["images"]!
        let tokens = model.tokens(of: Variable(images), Forward(mode: .training, tape: tape))
        let found = Variable.concatenated(
            [tokens.classToken.reshaped([images.shape[0], 1, model.width]), tokens.patches], axis: 1)
        var gradients: [String: Tensor] = [:]
        for (key, tensor) in expected where key.hasPrefix("gradient.") { gradients[String(key.dropFirst(9))] = tensor }
        gradients = try ours(gradients, source)
        // The row that was made of zeros is no parameter of the reference.
        if file == "timm-registers" { gradients["pos_embed"] = nil }
        try compare(found, model, expected, gradients, tape)
        // There the row of zeros learns beside the class token: the first losses are equal, later ones are not.
        try followSteps(model, expected, count: file == "timm-registers" ? 1 : 10) { forward in
            let tokens = model.tokens(of: Variable(images), forward)
            return Variable.concatenated(
                [tokens.classToken.reshaped([images.shape[0], 1, model.width]), tokens.patches], axis: 1)
        }
        switch file {
        case "beit":
            #expect(configuration.block.relativeBiasSide == 4 && configuration.position == .none)
            #expect(configuration.block.projectionBias == .queryAndValue)
        case "dinov2": #expect(configuration.registerCount == 3 && configuration.block.perceptron == .swiGLU)
        default: #expect(configuration.registerCount == 2 && configuration.block.layerScale != nil)
        }
    }

    @Test("ViTDet's backbone: filled windows, decomposed positions of another length, resized absolute ones")
    func vitdet() throws {
        let (published, expected) = (try golden("vitdet"), try golden("vitdet-golden"))
        let model = ViTDetBackbone(
            ViTDetConfiguration(
                imageSize: 24, pretrainedSize: 16, patchSize: 4, width: 24, depth: 2, headCount: 3, mlpRatio: 2,
                window: 3,
                globalBlocks: [1], dropPath: 0),
            seed: 1)
        try model.load(published, from: "vitdet")
        let tape = Tape()
        let maps = model.features(of: Variable(expected["images"]!), Forward(mode: .training, tape: tape))
        var gradients: [String: Tensor] = [:]
        for (key, tensor) in expected where key.hasPrefix("gradient.") { gradients[String(key.dropFirst(9))] = tensor }
        try compare(maps.maps[0].map, model, expected, gradients, tape)
        try followSteps(model, expected) {
            model.features(of: Variable(expected["images"]!), $0).maps[0].map
        }
        #expect(maps.maps[0].spec == FeatureSpec(name: "last_feat", channels: 24, stride: 4))
    }

    @Test("positions resized with an offset of 0.1 equal PyTorch's scale factor")
    func offset() throws {
        let expected = try golden("dinov2-golden")
        let table = Variable(expected["table"]!.reshaped([4, 4, 6]))
        let found = table.resizedBicubic(to: (7, 5), offset: 0.1)
        let comparison = Comparison(found.value.doubles(), expected["table.resized"]!.doubles(), tolerance: 1e-5)
        #expect(comparison.isWithinBounds, "\(comparison)")
    }
}
