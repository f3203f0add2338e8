import Autograd
import Determinism
import TensorCore
import TestSupport
import Testing

/// One operation that draws its own shapes, windows and options: each draw is a case with its naive twin.
struct DrawnOp: Sendable, CustomTestStringConvertible {
    /// The method under test, then which form of it.
    let name: String
    /// Draws shapes and options, and with them the case; names of cases begin with the method.
    let draw: @Sendable (inout TensorMaker) -> OpCase

    init(_ name: String, _ draw: @escaping @Sendable (inout TensorMaker) -> OpCase) {
        self.name = name
        self.draw = draw
    }

    var testDescription: String { name }

    /// The method's name alone.
    var operation: String { String(name.prefix { $0 != " " }) }

    /// The case of one number: its shapes and its inputs follow from name and number.
    func drawn(_ number: Int) -> (op: OpCase, inputs: [Tensor]) {
        var maker = TensorMaker("shapes of \(name)", seed: UInt64(number))
        let op = draw(&maker)
        return (op, op.inputs(&maker))
    }

    /// Every operation of `Sources/Autograd`.
    static let all: [DrawnOp] = elementwise + masks + rows + attention + images + shapes + losses
}
