import Autograd
import TensorCore

/// How far the student's adapted tokens are from a teacher's targets:
///
///     ℓ(p) = cosineWeight · (1 − cos(s_p, t_p)) + smoothL1Weight · mean_c SmoothL1_β(s_pc − t_pc)
///     loss = Σ_p w_p ℓ(p) / P
///
/// The divisor is the number of tokens, not the sum of the weights: weights of mean 1 keep the scale.
/// - Source: 0.9 and 0.1 as in AM-RADIO's spatial loss and Theia; UNIC uses 0.5 and 0.5.
public struct DistillationLoss: Sendable, Equatable {
    public var cosineWeight: Double
    public var smoothL1Weight: Double
    /// Where SmoothL1 turns from square to linear; 0 is L1.
    public var beta: Double

    /// - Precondition: weights are not negative and one is positive.
    public init(cosineWeight: Double = 0.9, smoothL1Weight: Double = 0.1, beta: Double = 1) {
        precondition(
            cosineWeight >= 0 && smoothL1Weight >= 0 && cosineWeight + smoothL1Weight > 0 && beta >= 0,
            "distillation loss: weights \(cosineWeight), \(smoothL1Weight) and beta \(beta)")
        self.cosineWeight = cosineWeight
        self.smoothL1Weight = smoothL1Weight
        self.beta = beta
    }

    /// - Parameters:
    ///   - prediction: `(…, C)`.
    ///   - target: the same count, a constant.
    ///   - rowWeights: one a token, `(P)` or `(P, 1)`; all 1 when absent.
    /// - Returns: a scalar.
    public func callAsFunction(_ prediction: Variable, target: Tensor, rowWeights: Tensor? = nil) -> Variable {
        value(of: TokenMatch(prediction, target), rowWeights: rowWeights)
    }

    func value(of match: TokenMatch, rowWeights: Tensor?) -> Variable {
        let (rows, columns) = (match.rows, match.columns)
        precondition(
            rowWeights == nil || rowWeights!.count == rows,
            "distillation loss: row weights \(rowWeights!.shape) for \(rows) tokens")
        let weights = rowWeights.map { Variable($0.converted(to: match.target.dtype).reshaped([rows, 1])) }
        var terms: [(Variable, Double)] = []
        if cosineWeight > 0 {
            let one = Variable(Tensor.full([rows, 1], 1, match.target.dtype))
            let distance = one - match.cosine
            terms.append(((weights.map { distance.multiplied(by: $0) } ?? distance).mean(), cosineWeight))
        }
        if smoothL1Weight > 0 {
            let spread = weights.map { $0.linear(Variable(Tensor.full([columns, 1], 1, match.target.dtype))).value }
            terms.append((match.prediction.smoothL1(match.target, beta: beta, elementWeights: spread), smoothL1Weight))
        }
        return .weightedSum(terms)
    }
}

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
        self.prediction = prediction.reshaped([prediction.count / columns, columns])
        self.target = target.reshaped([prediction.count / columns, columns])
        cosine = self.prediction.normalized().dotRows(Variable(self.target).normalized())
    }
}

extension Variable {
    /// The inner product of each row of two `(R, C)` variables: `(R, 1)`.
    func dotRows(_ other: Variable) -> Variable {
        multiplied(by: other).linear(Variable(Tensor.full([1, shape[shape.count - 1]], 1, value.dtype)))
    }
}
