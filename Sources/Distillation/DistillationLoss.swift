import Autograd
import Determinism
import TensorCore

/// How far the student's adapted tokens are from a teacher's targets:
///
///     ℓ(p) = cosineWeight · (1 − cos(s_p, t_p)) + smoothL1Weight · mean_c SmoothL1_β(s_pc − t_pc)
///          + mseWeight · mean_c (s_pc − t_pc)² + klWeight · T² · KL(softmax(t_p / T) ‖ softmax(s_p / T))
///     loss = Σ_p w_p ℓ(p) / P
///
/// The softmax is over channels, T is `klTemperature`. The divisor is the number of tokens, not the sum of the weights:
/// weights of mean 1 keep the scale.
/// - Source: 0.9 and 0.1 as in AM-RADIO's spatial loss and Theia; UNIC uses 0.5 and 0.5. MSE: Proteus, RADIO with PHI-S.
///   KL with T²: Hinton, Vinyals, Dean 2015, arXiv:1503.02531, §2.
public struct DistillationLoss: Sendable, Equatable {
    public var cosineWeight: Double
    public var smoothL1Weight: Double
    /// Where SmoothL1 turns from square to linear; 0 is L1.
    public var beta: Double
    public var mseWeight: Double
    public var klWeight: Double
    public var klTemperature: Double

    /// - Precondition: weights are not negative and one is positive; the temperature is positive.
    public init(
        cosineWeight: Double = 0.9, smoothL1Weight: Double = 0.1, beta: Double = 1, mseWeight: Double = 0,
        klWeight: Double = 0, klTemperature: Double = 1
    ) {
        let weights = [cosineWeight, smoothL1Weight, mseWeight, klWeight]
        precondition(
            weights.allSatisfy { $0 >= 0 } && weights.contains { $0 > 0 } && beta >= 0 && klTemperature > 0,
            "distillation loss: weights \(weights), beta \(beta) and temperature \(klTemperature)")
        self.cosineWeight = cosineWeight
        self.smoothL1Weight = smoothL1Weight
        self.beta = beta
        self.mseWeight = mseWeight
        self.klWeight = klWeight
        self.klTemperature = klTemperature
    }

    /// - Parameters:
    ///   - prediction: `(…, C)`.
    ///   - target: the same count, a constant.
    ///   - rowWeights: one a token, `(P)` or `(P, 1)`; all 1 when absent.
    /// - Returns: a scalar.
    public func callAsFunction(_ prediction: Variable, target: Tensor, rowWeights: Tensor? = nil) -> Variable {
        value(of: TokenMatch(prediction, target), rowWeights: rowWeights)
    }

    /// `ℓ(p)` of every token, `(P, 1)`, without a gradient: the loss with weights `w` is its mean after weighting.
    public func tokenLosses(_ prediction: Tensor, target: Tensor) -> Tensor {
        tokenLosses(of: TokenMatch(Variable(prediction), target))
    }

    func value(of match: TokenMatch, rowWeights: Tensor?) -> Variable {
        let (rows, columns) = (match.rows, match.columns)
        precondition(
            rowWeights == nil || rowWeights!.count == rows,
            "distillation loss: row weights \(rowWeights!.shape) for \(rows) tokens")
        let weights = rowWeights.map { Variable($0.converted(to: match.target.dtype).reshaped([rows, 1])) }
        func mean(_ losses: Variable) -> Variable {
            (weights.map { losses.multiplied(by: $0) } ?? losses).mean()
        }
        var terms: [(Variable, Double)] = []
        if cosineWeight > 0 { terms.append((mean(match.cosineDistance), cosineWeight)) }
        if smoothL1Weight > 0 {
            let spread = weights.map { $0.linear(Variable(Tensor.full([columns, 1], 1, match.target.dtype))).value }
            terms.append((match.prediction.smoothL1(match.target, beta: beta, elementWeights: spread), smoothL1Weight))
        }
        if mseWeight > 0 { terms.append((mean(match.squaredDifference), mseWeight / Double(columns))) }
        if klWeight > 0 {
            terms.append((mean(match.divergence(klTemperature)), klWeight * klTemperature * klTemperature))
        }
        return .weightedSum(terms)
    }

    func tokenLosses(of match: TokenMatch) -> Tensor {
        let match = match.detached
        let total = Tensor.zeros([match.rows, 1], match.target.dtype)
        if cosineWeight > 0 { Elementwise.axpy(total, match.cosineDistance.value, cosineWeight) }
        if smoothL1Weight > 0 { Elementwise.axpy(total, match.smoothL1Rows(beta: beta), smoothL1Weight) }
        if mseWeight > 0 {
            Elementwise.axpy(total, match.squaredDifference.value, mseWeight / Double(match.columns))
        }
        if klWeight > 0 {
            Elementwise.axpy(total, match.divergence(klTemperature).value, klWeight * klTemperature * klTemperature)
        }
        return total
    }
}
