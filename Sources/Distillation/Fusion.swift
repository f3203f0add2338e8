import Autograd
import TensorCore

/// How several teachers share the student.
public enum Fusion: Sendable, Equatable {
    /// One teacher by name; the others are not asked.
    case single(String)
    /// Every teacher alike.
    case mean
    /// A gate a token: teachers that the student is near to and that the others agree with count more.
    case consensus(temperature: Double = 1, agreement: Agreement = .tokenSimilarity)
    /// For each picture the teacher with the largest loss, and each other one unless dropped with this probability (see
    /// `TeacherDropping`).
    case dropping(probability: Double = 0.5)
}

/// How two teachers are compared at a token.
public enum Agreement: String, Sendable, CaseIterable {
    /// The cosine between the token's rows in the two teachers' own token-similarity matrices (see `ConsensusGate`).
    /// Teachers may differ in width.
    case tokenSimilarity
    /// The cosine between the two teachers' standardised tokens. Teachers must be of one width.
    case directCosine
}

/// The per-token gate over teachers:
///
///     a_i(p) = cos(T_i(p), A_i(S)(p))                       affinity: standardised target and adapted student
///     g_i(p) = mean over j ≠ i of agreement(T_i, T_j)(p)    agreement among teachers
///     w_i(p) = softmax_i(a_i(p) · g_i(p) / temperature)
///
/// `directCosine` agreement is `cos(T_i(p), T_j(p))`. `tokenSimilarity` is `cos(R_i(p), R_j(p))`, where `R_i(p)` holds
/// `cos(T_i(p), T_i(q))` for every other token `q` of the same group; the token itself is left out, for it is 1 in
/// every teacher. A group is a picture for patch tokens and the batch for class tokens. In a group of one there is
/// nothing to compare and the agreement is 0, so the gate is uniform. The gate is a constant: no gradient passes it.
///
/// - Source: the form `a · g` follows a third-party port of CoMAD (arXiv:2508.04816), whose abstract names a
///   parameter-free gate of cosine affinity and agreement among teachers; the width-free agreement and the temperature
///   are this project's.
public struct ConsensusGate: Sendable, Equatable {
    public var temperature: Double
    public var agreement: Agreement

    /// - Precondition: the temperature is positive.
    public init(temperature: Double = 1, agreement: Agreement = .tokenSimilarity) {
        precondition(temperature > 0, "consensus gate: temperature \(temperature)")
        self.temperature = temperature
        self.agreement = agreement
    }

    /// - Parameters:
    ///   - affinities: one a teacher, `(G·P, 1)`.
    ///   - targets: one a teacher, `(G, P, C_i)`: groups, tokens, channels.
    ///   - rows: the tokens that affinities are given for, where these are not all.
    /// - Returns: one a teacher, `(G·P, 1)`, or as many as `rows`; they add up to 1 at every token.
    public func weights(affinities: [Tensor], targets: [Tensor], rows: Range<Int>? = nil) -> [Tensor] {
        precondition(
            !targets.isEmpty && affinities.count == targets.count,
            "consensus gate: \(affinities.count) affinities for \(targets.count) teachers")
        let agreements = agreements(among: targets).map { $0.rows(rows ?? 0..<$0.count) }
        let scores = zip(affinities, agreements).map { affinity, agreement in
            precondition(affinity.count == agreement.count, "affinity \(affinity.shape) for \(agreement.shape) tokens")
            return Variable(affinity.reshaped(agreement.shape)).multiplied(by: Variable(agreement))
        }
        let gate = Variable.concatenated(scores, axis: 1).scaled(by: 1 / temperature).softmax()
        return scores.indices.map { gate.sliced(axis: 1, $0..<$0 + 1).value }
    }

    /// `g_i` of every teacher, `(G·P, 1)` each; 0 for a teacher without others.
    public func agreements(among targets: [Tensor]) -> [Tensor] {
        let (groups, tokens, dtype) = (targets[0].shape[0], targets[0].shape[1], targets[0].dtype)
        for target in targets {
            precondition(
                target.rank == 3 && target.shape[0] == groups && target.shape[1] == tokens,
                "agreement of \(target.shape) with \(targets[0].shape)")
            precondition(
                agreement == .tokenSimilarity || target.shape[2] == targets[0].shape[2],
                "direct cosine of \(target.shape) with \(targets[0].shape): widths differ, use tokenSimilarity")
        }
        let totals = targets.map { _ in Tensor.zeros([groups * tokens, 1], dtype) }
        if targets.count == 1 { return totals }
        let profiles = targets.map { Variable(profile(of: $0)) }
        for i in targets.indices {
            for j in targets.indices where j > i {
                let cosine = profiles[i].dotRows(profiles[j]).value
                Elementwise.axpy(totals[i], cosine, 1 / Double(targets.count - 1))
                Elementwise.axpy(totals[j], cosine, 1 / Double(targets.count - 1))
            }
        }
        return totals
    }

    /// A unit row for each token, of a length that every teacher shares: `(G·P, ·)`.
    private func profile(of target: Tensor) -> Tensor {
        let (groups, tokens, width) = (target.shape[0], target.shape[1], target.shape[2])
        let unit = Variable(target.reshaped([groups * tokens, width])).normalized().value
        if agreement == .directCosine { return unit }
        let similarity = Tensor(uninitialized: [groups * tokens, tokens], unit.dtype)
        for group in 0..<groups {
            let rows = group * tokens..<(group + 1) * tokens
            let (part, block) = (unit.rows(rows), similarity.rows(rows))
            Gemm.multiply(
                unit.dtype, m: tokens, n: tokens, k: width, MatrixView(part, width: width),
                MatrixView(part, width: width, transposed: true), into: block.raw)
            for p in 0..<tokens {
                if unit.dtype == .f64 { block.f64()[p * tokens + p] = 0 } else { block.f32()[p * tokens + p] = 0 }
            }
            keepAlive(part.storage, block.storage)
        }
        return Variable(similarity).normalized().value
    }
}
