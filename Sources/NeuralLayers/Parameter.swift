import Autograd
import TensorCore

/// A trainable tensor: the leaf that gradients end in.
public final class Parameter {
    public let shape: [Int]
    /// The values; an optimizer moves them into its flat buffer.
    public var value: Tensor
    /// The sum of gradients since the last `zeroGradients`; made when first needed.
    public var gradient: Tensor?
    public var isTrainable = true
    /// The value is only multiplied by rows, as the weight of a linear layer is.
    let isProductOperand: Bool

    public init(_ value: Tensor, isProductOperand: Bool = false) {
        self.value = value
        self.isProductOperand = isProductOperand
        shape = value.shape
    }

    func gradientBuffer() -> Tensor {
        if let gradient { return gradient }
        let buffer = Tensor.zeros(shape, value.dtype)
        gradient = buffer
        return buffer
    }
}

public enum ForwardMode: Sendable {
    case training, evaluation
}

/// What a forward pass needs besides its input: mode, randomness and the tape. Passed down, never stored.
public struct Forward {
    public let mode: ForwardMode
    /// Different in every step: draws are functions of it.
    public let seed: UInt64
    /// `nil` records nothing.
    public let tape: Tape?
    /// Round the operands of linear layers and convolutions to bfloat16, forward and backward; parameters and gradients
    /// stay in float.
    public let bf16: Bool
    /// Transformer blocks of which a tape keeps only the input, from the first on: backward runs them again.
    public let checkpointedBlocks: Int

    public init(
        mode: ForwardMode, seed: UInt64 = 0, tape: Tape? = nil, bf16: Bool = false, checkpointedBlocks: Int = 0
    ) {
        self.mode = mode
        self.seed = seed
        self.tape = tape
        self.bf16 = bf16
        self.checkpointedBlocks = checkpointedBlocks
    }

    /// No gradient, no randomness.
    public static var evaluation: Forward { Forward(mode: .evaluation) }

    /// The parameter as a leaf of the tape, or as a constant when frozen or without a tape.
    public func callAsFunction(_ parameter: Parameter) -> Variable {
        guard let tape, parameter.isTrainable else { return Variable(parameter.value) }
        return tape.leaf(parameter.value, gradient: parameter.gradientBuffer(), owner: parameter)
    }

    public func callAsFunction(_ parameter: Parameter?) -> Variable? { parameter.map { self($0) } }
}
