import Autograd
import TensorCore
import TestSupport
import Testing

/// A shape and its values in plain Double arrays: what the naive twins work on.
struct Plain {
    var shape: [Int]
    var values: [Double]

    init(_ shape: [Int], _ values: [Double]) {
        self.shape = shape
        self.values = values
    }

    init(_ tensor: Tensor) { self.init(tensor.shape, tensor.doubles()) }

    init(zeros shape: [Int]) { self.init(shape, [Double](repeating: 0, count: shape.reduce(1, *))) }

    var columns: Int { shape[shape.count - 1] }
    var rows: Int { values.count / columns }

    subscript(_ index: Int...) -> Double {
        get { values[at(index)] }
        set { values[at(index)] = newValue }
    }

    private func at(_ index: [Int]) -> Int { zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 } }

    func map(_ body: (Double) -> Double) -> Plain { Plain(shape, values.map(body)) }

    /// Applies a function to each row of the last axis.
    func mapRows(_ body: (ArraySlice<Double>) -> [Double]) -> Plain {
        Plain(shape, (0..<rows).flatMap { body(values[$0 * columns..<($0 + 1) * columns]) })
    }
}

/// One operation on one set of shapes, with its naive twin.
struct OpCase: Sendable, CustomTestStringConvertible {
    /// The method under test, then what is special about the case.
    let name: String
    /// Draws the differentiable inputs, f64.
    let inputs: @Sendable (inout TensorMaker) -> [Tensor]
    let apply: @Sendable ([Variable]) -> Variable
    let twin: @Sendable ([Plain]) -> Plain
    /// Roundings on the longest path to an output value: the f32 bound is this times 2^-24 times the largest value.
    let roundings: Int
    /// What gradients are compared against in f32 at least. The slope of a value that saturates (softmax, sigmoid) is the
    /// difference of numbers of size one, and rounded as they are.
    let slopeFloor: Double

    init(
        _ name: String, roundings: Int = 8, slopeFloor: Double = 1e-6,
        inputs: @escaping @Sendable (inout TensorMaker) -> [Tensor],
        apply: @escaping @Sendable ([Variable]) -> Variable, twin: @escaping @Sendable ([Plain]) -> Plain
    ) {
        self.name = name
        self.inputs = inputs
        self.apply = apply
        self.twin = twin
        self.roundings = roundings
        self.slopeFloor = slopeFloor
    }

    var testDescription: String { name }

    /// The method's name alone.
    var operation: String { String(name.prefix { $0 != " " }) }
}

extension Variable {
    /// A constant of this variable's type.
    func like(_ values: [Double], _ shape: [Int]) -> Tensor { Tensor(values, shape).converted(to: value.dtype) }
}

/// Every operation of `Sources/Autograd`, each on several shapes.
enum OpTable {
    static let all: [OpCase] = elementwise + linear + rows + images + regions + positions + shapes + losses + relations
}
