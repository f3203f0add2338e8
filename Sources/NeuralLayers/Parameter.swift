import Autograd
import Communication
import Determinism
import TensorCore

/// A trainable tensor: the leaf that gradients end in.
public final class Parameter {
    public let shape: [Int]
    /// The values; an optimizer moves them into its flat buffer.
    public var value: Tensor
    private var gradients = Gradients.none
    public var isTrainable = true
    /// The value is only multiplied by rows, as the weight of a linear layer is.
    let isProductOperand: Bool

    public init(_ value: Tensor, isProductOperand: Bool = false) {
        self.value = value
        self.isProductOperand = isProductOperand
        shape = value.shape
    }

    private enum Gradients {
        case none
        case own(Tensor)
        case shared(GradientBlock, at: Int)
    }

    /// The sum of gradients since the last `zeroGradients`; `nil` before the first where no optimizer has the parameter.
    public var gradient: Tensor? {
        get {
            switch gradients {
            case .none: nil
            case .own(let tensor): tensor
            case .shared(let block, let place): block.gradient(at: place, shape: shape)
            }
        }
        set { gradients = newValue.map { .own($0) } ?? .none }
    }

    /// From now on the gradient lies in an optimizer's block, at this place of its buffer.
    func shareGradient(in block: GradientBlock, at place: Int) { gradients = .shared(block, at: place) }

    /// A recorded step uses the value: zero, where nothing else is known.
    func needsGradient() {
        if case .none = gradients { gradient = .zeros(shape, value.dtype) }
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
    /// The ranks that share the batch: consecutive pictures, equally many each. Means over the batch are means over all of
    /// them, and draws are those of the picture's place in the whole batch.
    public let group: any Communicator

    public init(
        mode: ForwardMode, seed: UInt64 = 0, tape: Tape? = nil, bf16: Bool = false, checkpointedBlocks: Int = 0,
        group: any Communicator = SingleProcess()
    ) {
        self.mode = mode
        self.seed = seed
        self.tape = tape
        self.bf16 = bf16
        self.checkpointedBlocks = checkpointedBlocks
        self.group = group
    }

    /// No gradient, no randomness.
    public static var evaluation: Forward { Forward(mode: .evaluation) }

    /// The place in the whole batch of the first of this rank's pictures.
    ///
    /// - Parameter pictures: how many this rank has.
    public func firstPicture(of pictures: Int) -> Int { group.rank * pictures }

    /// A stream from which each picture of the whole batch draws `draws` words, in order, at the place where this rank's
    /// pictures begin.
    public func own(_ stream: RandomStream, pictures: Int, draws: Int = 1) -> RandomStream {
        stream.skipping(firstPicture(of: pictures) * draws)
    }

    /// What a loss that is a mean over some items of the batch divides its sum by: the mean over ranks of their numbers of
    /// items, so that the mean of the ranks' losses is the mean over the whole batch's items. Not 0.
    public func meanCount(_ count: Int) -> Double { max(group.means([Double(count)])[0], 1 / Double(group.size)) }

    /// The parameter as a leaf of the tape, or as a constant when frozen or without a tape.
    public func callAsFunction(_ parameter: Parameter) -> Variable {
        guard let tape, parameter.isTrainable else { return Variable(parameter.value) }
        parameter.needsGradient()
        return tape.leaf(parameter.value, gradient: parameter.gradient!, owner: parameter)
    }

    public func callAsFunction(_ parameter: Parameter?) -> Variable? { parameter.map { self($0) } }
}
