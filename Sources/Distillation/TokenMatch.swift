import Autograd
import Determinism
import TensorCore

/// Student and teacher tokens side by side, with the cosine of each pair: the loss and the gate both need it.
struct TokenMatch {
    /// `(P, C)`.
    let prediction: Variable
    /// `(P, C)`.
    let target: Tensor
    /// `(P, 1)`, with a gradient.
    let cosine: Variable

    var rows: Int { target.shape[0] }
    var columns: Int { target.shape[1] }

    init(_ prediction: Variable, _ target: Tensor) {
        let columns = prediction.shape.last ?? 0
        precondition(
            columns > 0 && target.count == prediction.count && target.shape.last == columns
                && target.dtype == prediction.value.dtype,
            "distillation: student tokens \(prediction.shape) against targets \(target.shape)")
        let prediction = prediction.reshaped([prediction.count / columns, columns])
        let target = target.reshaped([prediction.count / columns, columns])
        self.init(prediction, target, cosine: prediction.normalized().dotRows(Variable(target).normalized()))
    }

    private init(_ prediction: Variable, _ target: Tensor, cosine: Variable) {
        self.prediction = prediction
        self.target = target
        self.cosine = cosine
    }

    /// The same values as constants.
    var detached: TokenMatch { TokenMatch(prediction.detached(), target, cosine: cosine.detached()) }

    /// `1 − cos(s_p, t_p)`, `(P, 1)`.
    var cosineDistance: Variable { Variable(Tensor.full([rows, 1], 1, target.dtype)) - cosine }

    /// `Σ_c (s_pc − t_pc)²`, `(P, 1)`.
    var squaredDifference: Variable {
        let difference = prediction + Variable(Elementwise.scaled(target, -1))
        return difference.dotRows(difference)
    }

    /// `KL(softmax(t_p / T) ‖ softmax(s_p / T))` over channels, `(P, 1)`.
    ///
    /// The logarithms are subtracted before they are summed: near the target nothing large cancels.
    func divergence(_ temperature: Double) -> Variable {
        let wanted = Variable(target).scaled(by: 1 / temperature)
        let found = prediction.scaled(by: 1 / temperature).logSoftmax()
        return (wanted.logSoftmax() - found).dotRows(wanted.softmax())
    }

    /// `mean_c SmoothL1_β(s_pc − t_pc)`, `(P, 1)`, without a gradient.
    func smoothL1Rows(beta: Double) -> Tensor {
        let result = Tensor(uninitialized: [rows, 1], target.dtype)
        let (x, t) = (prediction.value, target)
        switch target.dtype {
        case .f64: Self.smoothL1(result.f64(), x.f64(), t.f64(), beta: beta, rows: rows, columns: columns)
        default: Self.smoothL1(result.f32(), x.f32(), t.f32(), beta: Float(beta), rows: rows, columns: columns)
        }
        keepAlive(x.storage, t.storage)
        return result
    }

    private static func smoothL1<Scalar: BinaryFloatingPoint>(
        _ out: UnsafeMutablePointer<Scalar>, _ x: UnsafeMutablePointer<Scalar>, _ t: UnsafeMutablePointer<Scalar>,
        beta: Scalar, rows: Int, columns: Int
    ) {
        Parallel.forEachRange(rows, grain: max(1, 16384 / columns)) { range in
            for row in range {
                var sum = 0.0
                for c in row * columns..<(row + 1) * columns {
                    let distance: Scalar = abs(x[c] - t[c])
                    sum += Double(distance < beta ? distance * distance / (2 * beta) : distance - beta / 2)
                }
                out[row] = Scalar(sum / Double(columns))
            }
        }
    }
}

extension Variable {
    /// The inner product of each row of two `(R, C)` variables: `(R, 1)`.
    func dotRows(_ other: Variable) -> Variable {
        multiplied(by: other).linear(Variable(Tensor.full([1, shape[shape.count - 1]], 1, value.dtype)))
    }
}
