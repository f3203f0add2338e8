import Autograd
import CheckpointIO
import DenseHeads
import Determinism
import Geometry
import NeuralLayers
import TensorCore
import TestSupport
import Testing

/// UPerNet's head and its auxiliary head beside Hugging Face's, and Semantic FPN beside PyTorch's modules, with every
/// gradient: `Tests/Fixtures/upernet`.
@Suite struct UPerNetGoldenTests {
    private let golden: [String: Tensor]
    private let specs: [FeatureSpec]

    init() throws {
        let folder = try #require(SourceCheckout.folder)
        golden = try Safetensors.load("\(folder)/Tests/Fixtures/upernet/heads.safetensors").tensors
        specs = [6, 5, 4, 7].enumerated().map { FeatureSpec(name: "map\($0)", channels: $1, stride: 4 << $0) }
    }

    private func compare(_ found: Tensor, _ name: String, tolerance: Double = 1e-5) throws {
        let wanted = try #require(golden[name]).doubles()
        let scale = max(1, wanted.map(abs).max() ?? 0)
        let comparison = Comparison(
            found.doubles().map { $0 / scale }, wanted.map { $0 / scale }, tolerance: tolerance)
        #expect(comparison.isWithinBounds, "\(name): \(comparison)")
    }

    private func check<Decoder: SemanticDecoder>(_ head: Decoder, _ kind: String) throws {
        let prefix = "\(kind).weight."
        try head.load(
            Dictionary(
                uniqueKeysWithValues: golden.filter { $0.key.hasPrefix(prefix) }.map {
                    (String($0.key.dropFirst(prefix.count)), $0.value)
                }), from: kind)
        let maps = try (0..<4).map { try #require(golden["map.\($0)"]) }
        let still = FeatureMaps(zip(specs, maps).map { ($0, Variable($1)) })
        try compare(head(still, .evaluation).value, "\(kind).evaluation")

        let tape = Tape()
        let gradients = maps.map { Tensor.zeros($0.shape) }
        // The tape tells leaves apart by their owners, which therefore live as long.
        let owners = maps.map { Parameter($0) }
        let leaves = maps.indices.map { tape.leaf(maps[$0], gradient: gradients[$0], owner: owners[$0]) }
        let forward = Forward(mode: .training, tape: tape)
        let logits = head(FeatureMaps(zip(specs, leaves).map { ($0, $1) }), forward)
        try compare(logits.value, "\(kind).training")
        let labels = try #require(golden["labels"]).ints()
        let loss = logits.resizedBilinear(to: (32, 32)).crossEntropy(labels: labels, ignore: 255)
        try compare(loss.value.reshaped([1]), "\(kind).loss")
        tape.backward(loss)
        var checked = 0
        for entry in head.stateEntries() {
            guard case .parameter(let parameter) = entry.storage else { continue }
            try compare(try #require(parameter.gradient), "\(kind).gradient.\(entry.name)", tolerance: 1e-4)
            checked += 1
        }
        #expect(checked == golden.keys.count { $0.hasPrefix("\(kind).gradient.") })
        withExtendedLifetime(owners) {}
        for (index, gradient) in gradients.enumerated() where golden["\(kind).map_gradient.\(index)"] != nil {
            try compare(gradient, "\(kind).map_gradient.\(index)", tolerance: 1e-4)
        }
    }

    @Test("UPerNet's logits, loss and gradients")
    func upernet() throws {
        var stream = RandomStream(seed: 1, purpose: "test")
        try check(UPerHead(inputs: specs, channels: 5, classCount: 3, dropout: 0, &stream), "upper")
    }

    @Test("the auxiliary head's logits, loss and gradients")
    func auxiliary() throws {
        var stream = RandomStream(seed: 1, purpose: "test")
        try check(FCNHead(inputs: specs, channels: 4, classCount: 3, dropout: 0, &stream), "fcn")
    }

    @Test("Semantic FPN's logits, loss and gradients")
    func semanticFPN() throws {
        var stream = RandomStream(seed: 1, purpose: "test")
        try check(
            SemanticFPNHead(
                inputs: specs, pyramidChannels: 5, channels: 4, classCount: 3, dropout: 0, &stream), "semantic_fpn")
    }
}
