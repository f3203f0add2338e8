import TensorCore

/// The record of one step's operations: an append-only array, emptied by `backward`.
///
/// A node keeps the tensors its backward needs and the positions of its inputs; nothing points back at the tape, so a step
/// leaves no reference cycle behind.
public final class Tape {
    private struct Node {
        let inputs: [Int]
        let backward: ((Tensor) -> [Tensor?])?
        let sink: (() -> Tensor)?

        nonisolated(unsafe) static let done = Node(inputs: [], backward: nil, sink: nil)
    }
    private var nodes: [Node] = []
    private var leaves: [ObjectIdentifier: Int] = [:]

    public init() {}

    /// The number of recorded operations and leaves.
    public var count: Int { nodes.count }

    /// A variable whose gradient is added to `gradient`, which is asked for when it arrives. The same `owner` gives the same
    /// leaf within a step.
    public func leaf(_ value: Tensor, gradient: @autoclosure @escaping () -> Tensor, owner: AnyObject) -> Variable {
        let key = ObjectIdentifier(owner)
        if let index = leaves[key] { return Variable(value: value, node: index, tape: self) }
        nodes.append(Node(inputs: [], backward: nil, sink: gradient))
        leaves[key] = nodes.count - 1
        return Variable(value: value, node: nodes.count - 1, tape: self)
    }

    func append(
        _ value: Tensor, _ inputs: [Variable], remake: (() -> Tensor)?, _ backward: @escaping (Tensor) -> [Tensor?]
    ) -> Variable {
        nodes.append(Node(inputs: inputs.map(\.node), backward: backward, sink: nil))
        return Variable(value: value, node: nodes.count - 1, tape: self, remake: remake)
    }

    /// Adds d(loss)/d(leaf) to the gradient of every leaf, then empties the tape.
    ///
    /// - Parameters:
    ///   - loss: a scalar, shape `[]`.
    ///   - scale: the gradient the loss starts with.
    public func backward(_ loss: Variable, scale: Double = 1) {
        precondition(loss.value.count == 1, "backward from shape \(loss.shape): the loss must be a scalar")
        backward(loss, gradient: Tensor.full(loss.shape, scale, loss.value.dtype))
    }

    /// The same from a value of any shape with a given gradient.
    public func backward(_ output: Variable, gradient: Tensor) {
        precondition(output.shape == gradient.shape, "gradient \(gradient.shape) of \(output.shape)")
        defer {
            nodes.removeAll(keepingCapacity: true)
            leaves.removeAll(keepingCapacity: true)
        }
        guard output.node >= 0 else { return }
        var gradients = [Gradient](repeating: .none, count: nodes.count)
        gradients[output.node] = .shared(gradient)
        for index in stride(from: output.node, through: 0, by: -1) {
            guard let gradient = gradients[index].tensor else { continue }
            gradients[index] = .none
            // What a node kept is given back as soon as its backward has run.
            let node = nodes[index]
            nodes[index] = .done
            if let sink = node.sink {
                let sum = sink()
                precondition(sum.shape == gradient.shape, "gradient \(gradient.shape) of a leaf that has \(sum.shape)")
                Elementwise.axpy(sum, gradient, 1)
            } else if let backward = node.backward {
                for (input, part) in zip(node.inputs, backward(gradient)) where input >= 0 {
                    if let part { gradients[input].add(part) }
                }
            }
        }
    }

    /// A gradient on its way: a first contribution may be shared with other nodes, a sum is our own.
    private enum Gradient {
        case none
        case shared(Tensor)
        case own(Tensor)

        var tensor: Tensor? {
            switch self {
            case .none: nil
            case .shared(let tensor), .own(let tensor): tensor
            }
        }

        mutating func add(_ part: Tensor) {
            switch self {
            case .none: self = .shared(part)
            case .shared(let first):
                precondition(first.count == part.count, "gradients of \(first.shape) and \(part.shape)")
                self = .own(Self.sum(first, part))
            case .own(let total) where total.dtype == .bf16: self = .own(Self.sum(total, part))
            case .own(let total): Elementwise.axpy(total, part, 1)
            }
        }

        private static func sum(_ a: Tensor, _ b: Tensor) -> Tensor {
            if a.dtype != .bf16 { return Elementwise.sum(a, b) }
            return Elementwise.sum(a.converted(to: .f32), b.converted(to: .f32)).converted(to: .bf16)
        }
    }
}
