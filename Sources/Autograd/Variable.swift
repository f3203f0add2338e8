import TensorCore

/// A tensor with its place on a tape, or a constant.
///
/// Operations are methods; each stands beside its backward. An operation on constants alone records nothing.
public struct Variable {
    public let value: Tensor
    let node: Int
    let tape: Tape?
    /// Makes the value again from what its own operation keeps, where that is cheap.
    let remake: (() -> Tensor)?

    init(value: Tensor, node: Int, tape: Tape?, remake: (() -> Tensor)? = nil) {
        self.value = value
        self.node = node
        self.tape = tape
        self.remake = remake
    }

    /// A constant.
    public init(_ constant: Tensor) { self.init(value: constant, node: -1, tape: nil) }

    public var shape: [Int] { value.shape }
    public var count: Int { value.count }
    /// True when a gradient flows through this variable.
    public var isTracked: Bool { node >= 0 }

    /// The same value as a constant.
    public func detached() -> Variable { Variable(value) }

    /// The value of a scalar.
    public func item() -> Double {
        precondition(value.count == 1, "item of shape \(shape)")
        return value.dtype == .f64 ? value.f64()[0] : Double(value.f32()[0])
    }

    /// Records an operation: the way to add a differentiable op.
    ///
    /// - Parameters:
    ///   - value: the output.
    ///   - inputs: the variables it was made from.
    ///   - remake: the same bytes as `value` from what `backward` keeps anyway: the operations that read this output then
    ///     need not keep it.
    ///   - backward: from the output's gradient, in the type of `value`, to one gradient an input, `nil` where none flows.
    ///     It must not capture a `Variable`, only tensors.
    public static func record(
        _ value: Tensor, from inputs: [Variable], remake: (() -> Tensor)? = nil,
        backward: @escaping (Tensor) -> [Tensor?]
    ) -> Variable {
        guard let tape = inputs.lazy.compactMap(\.tape).first else {
            return Variable(value: value, node: -1, tape: nil, remake: remake)
        }
        precondition(inputs.allSatisfy { $0.tape == nil || $0.tape === tape }, "inputs of one operation on two tapes")
        return tape.append(value, inputs, remake: remake, backward)
    }

    /// The row length and row count when the last axis is the row.
    var rowsAndColumns: (rows: Int, columns: Int) {
        precondition(!shape.isEmpty, "rows of a scalar")
        let columns = shape[shape.count - 1]
        return (columns == 0 ? 0 : count / columns, columns)
    }
}

/// An input that a backward needs once: kept, or made again when its turn comes.
final class SavedValue {
    private var make: (() -> Tensor)?

    init(_ variable: Variable) {
        let kept = variable.remake == nil ? variable.value : nil
        make = variable.remake ?? { kept! }
    }

    /// The value, which is not kept here any longer: its memory is free for what comes after the last use.
    func take() -> Tensor {
        defer { make = nil }
        return make!()
    }
}
