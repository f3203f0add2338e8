import Autograd
import Determinism
import TensorCore
import TestSupport
import Testing

@testable import NeuralLayers

/// Every parameter and buffer that a layer stores is named by a slot, once.
@Suite struct SlotTests {
    private struct Stored {
        var parameters: [ObjectIdentifier: String] = [:]
        var buffers: [UnsafeMutableRawPointer: String] = [:]

        mutating func walk(_ value: Any, _ path: String) {
            if let parameter = value as? Parameter {
                parameters[ObjectIdentifier(parameter)] = path
            } else if let tensor = value as? Tensor {
                buffers[tensor.raw] = path
            } else {
                for child in Mirror(reflecting: value).children { walk(child.value, path + "." + (child.label ?? "_")) }
            }
        }
    }

    /// What is wrong with a layer's slots, each in one line.
    private func complaints(_ layer: any Layer) -> [String] {
        var stored = Stored()
        stored.walk(layer, "\(type(of: layer))")
        var seen = Set<ObjectIdentifier>()
        var buffers = Set<UnsafeMutableRawPointer>()
        var found: [String] = []
        for entry in layer.stateEntries() {
            switch entry.storage {
            case .parameter(let parameter):
                if !seen.insert(ObjectIdentifier(parameter)).inserted { found.append("\(entry.name): named twice") }
            case .buffer(let tensor):
                if !buffers.insert(tensor.raw).inserted { found.append("\(entry.name): named twice") }
            }
        }
        found += stored.parameters.filter { !seen.contains($0.key) }.map { "\($0.value): no slot" }
        found += stored.buffers.filter { !buffers.contains($0.key) }.map { "\($0.value): no slot" }
        let names = layer.stateEntries().map(\.name)
        if Set(names).count != names.count { found.append("\(type(of: layer)): a name is given twice") }
        return found.sorted()
    }

    @Test func everyLayerNamesWhatItStores() {
        var stream = RandomStream(seed: 1, purpose: "slots")
        let layers: [any Layer] = [
            Linear(3, 2, &stream), Linear(3, 2, bias: false, &stream), LayerNorm(3),
            Conv2d(3, 2, kernel: 2, &stream), Conv2d(3, 2, kernel: 2, bias: false, &stream),
            ConvTranspose2x2(3, 2, &stream), BatchNorm(4), BatchNorm(4, affine: false),
            Attention(width: 4, heads: 2, &stream), MLP(4, hidden: 6, &stream),
            TransformerBlock(width: 4, heads: 2, &stream),
        ]
        for layer in layers {
            let complaints = complaints(layer)
            #expect(complaints.isEmpty, "\(complaints)")
            #expect(!layer.stateEntries().isEmpty)
        }
    }

    private final class Forgetful: Layer {
        let named = LayerNorm(2)
        let forgotten = Parameter(.zeros([3]))
        let optional: Parameter? = Parameter(.zeros([1]))
        let running = Tensor.zeros([2])
        static var slots: [Slot<Forgetful>] { [.layer("named", \.named), .layer("again", \.named)] }
    }

    @Test func theCheckCanFail() {
        #expect(
            complaints(Forgetful()) == [
                "Forgetful.forgotten: no slot", "Forgetful.optional: no slot", "Forgetful.running: no slot",
                "again.bias: named twice", "again.weight: named twice",
            ])
    }

    @Test func namesOfABlockAreTimms() {
        var stream = RandomStream(seed: 1, purpose: "slots")
        let block = TransformerBlock(width: 4, heads: 2, &stream)
        let parts = ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"]
        #expect(block.stateEntries(prefix: "b.").map(\.name) == parts.flatMap { ["b.\($0).weight", "b.\($0).bias"] })
    }
}
