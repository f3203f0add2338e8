import Determinism
import NeuralLayers
import TensorCore
import Testing

@Suite struct StateLoadingTests {
    private func block(_ seed: UInt64) -> TransformerBlock {
        var stream = RandomStream(seed: seed, purpose: "loading")
        return TransformerBlock(width: 4, heads: 2, &stream)
    }

    private func values(_ layer: some Layer) -> [[Float]] { layer.stateEntries().map { $0.tensor.floats() } }

    @Test func everyMisfitIsListedAndNothingChanges() {
        let (from, into) = (block(1), block(2))
        var state = from.state()
        state["norm1.weight"] = nil
        state["mlp.fc2.bias"] = .zeros([5])
        state["mlp.fc1.weight"] = .zeros([4, 16])
        state["head.weight"] = .zeros([1])
        state["attn.bias"] = .zeros([1])
        let before = values(into)
        let error = #expect(throws: StateError.self) { try into.load(state, from: "toy.safetensors") }
        let misfits = (error?.misfits ?? []).map { "\($0.key) \($0.problem)" }
        #expect(
            misfits == [
                "norm1.weight missing", "mlp.fc1.weight shape [4, 16] for [16, 4]",
                "mlp.fc2.bias shape [5] for [4]", "attn.bias unexpected", "head.weight unexpected",
            ])
        #expect("\(error!)".hasPrefix("toy.safetensors: 5 key(s) do not fit\n"))
        #expect(values(into) == before)
    }

    @Test func aWholeStateIsCopied() throws {
        let (from, into) = (block(1), block(2))
        #expect(values(from) != values(into))
        let state = from.state()
        try into.load(state, from: "toy")
        #expect(values(into) == values(from))
        // Copies, not shared storage.
        into.norm1.weight.value.f32()[0] = 9
        #expect(from.norm1.weight.value.f32()[0] == 1 && state["norm1.weight"]!.f32()[0] == 1)
    }

    @Test func ignoredKeysMayBeAbsentOnEitherSide() throws {
        let into = block(2)
        var state = block(1).state()
        state["norm1.weight"] = nil
        state["head.weight"] = .zeros([1])
        try into.load(state, from: "toy", ignoring: ["norm1.weight", "head.weight"])
        #expect(into.norm1.weight.value.floats() == [1, 1, 1, 1])
    }

    @Test func otherFloatingTypesAreConverted() throws {
        let (from, into) = (block(1), block(2))
        try into.load(from.state().mapValues { $0.converted(to: .f64) }, from: "double")
        #expect(values(into) == values(from))
        try into.load(from.state().mapValues { $0.converted(to: .bf16) }, from: "half")
        #expect(into.mlp!.fc1.weight.value.floats() == from.mlp!.fc1.weight.value.converted(to: .bf16).floats())
    }

    @Test func frozenParametersAreNoLeaves() {
        let layer = block(1)
        #expect(layer.parameterCount == 12 * 16 + 13 * 4)
        layer.freeze()
        #expect(layer.parameterCount == 0 && layer.parameters.count == 12)
    }
}
