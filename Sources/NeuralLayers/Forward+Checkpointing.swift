import Autograd
import TensorCore

extension Forward {
    /// `body(x)` of which a tape keeps only `x`: backward runs `body` again, for a third more work.
    ///
    /// Gradients are the same bytes: random draws are functions of the step's seed. `body` must not change state, as batch
    /// normalisation does in training.
    ///
    /// - Source: Chen et al. 2016, arXiv:1604.06174, §3.
    public func recomputing(_ x: Variable, _ body: @escaping (Variable, Forward) -> Variable) -> Variable {
        guard tape != nil, x.isTracked else { return body(x, self) }
        let (input, mode, seed, bf16, group) = (x.value, mode, seed, bf16, group)
        let once = Forward(mode: mode, seed: seed, bf16: bf16, group: group)
        return .record(body(Variable(input), once).value, from: [x]) { dy in
            let (tape, gradient) = (Tape(), Tensor.zeros(input.shape, input.dtype))
            let leaf = tape.leaf(input, gradient: gradient, owner: tape)
            let again = Forward(mode: mode, seed: seed, tape: tape, bf16: bf16, group: group)
            tape.backward(body(leaf, again), gradient: dy)
            return [gradient]
        }
    }
}
