import Autograd
import Communication
import Determinism
import TensorCore

/// Which teachers a picture learns from in a step: always the one with the largest loss, each other one by chance.
///
///     l_i(n) = mean over token types of mean_p ℓ_i(n, p)              teacher i, picture n
///     c_i(n) = 1 for the teacher with the largest l_i(n); for each other 0 with `probability`, else 1
///     L = Σ_i Σ_n c_i(n) l_i(n) / Σ_i Σ_n c_i(n)                      the mean of the terms kept in the batch
///
/// The choice is one for all token types of a picture. As row weights of a batch of N pictures this is
///
///     w_i(n, p) = c_i(n) · N / Σ_i Σ_m c_i(m)      L = Σ_i mean over (n, p) of w_i(n, p) ℓ_i(n, p)
///
/// Over teachers and pictures they add up to N: to 1 a picture on average, but at one picture to more or less, by how
/// many teachers it kept. With probability 0 every weight is 1/K. They are constants: no gradient passes the choice.
///
/// - Source: Sariyildiz, Weinzaepfel, Lucas, Larlus, Kalantidis 2024, arXiv:2408.05088 (UNIC), as read in its code
///   (github.com/naver/unic, `teacher_dropping.py`).
public struct TeacherDropping: Sendable, Equatable {
    public var probability: Double

    /// - Precondition: the probability is in 0...1.
    public init(probability: Double = 0.5) {
        precondition((0...1).contains(probability), "teacher dropping with probability \(probability)")
        self.probability = probability
    }

    /// Draws the teachers of each picture.
    ///
    /// Draws are made for every teacher and picture, teacher by teacher in the order given, so which draw a place gets does
    /// not depend on the losses. Of equal largest losses the first counts.
    ///
    /// - Parameters:
    ///   - losses: for each teacher one tensor a token type, `(N·P, 1)` with the tokens of a picture side by side: `ℓ_i`, or
    ///     means for each picture with P = 1.
    ///   - pictures: N.
    ///   - stream: of this step.
    ///   - group: the ranks that share the batch, N pictures each; draws are made for all of them.
    public func selection(
        losses: [[Tensor]], pictures: Int, _ stream: RandomStream, group: any Communicator = SingleProcess()
    ) -> TeacherSelection {
        let means = losses.map { Self.pictureMeans($0, pictures) }
        precondition(!means.isEmpty && pictures > 0, "dropping \(means.count) teachers for \(pictures) pictures")
        var stream = stream
        let draws = means.map { _ in (0..<pictures * group.size).map { _ in stream.uniform() } }
        var kept = draws.map { $0[group.share(of: $0.count)].map { $0 >= probability } }
        for picture in 0..<pictures {
            var largest = 0
            for teacher in means.indices where means[teacher][picture] > means[largest][picture] { largest = teacher }
            kept[largest][picture] = true
        }
        return TeacherSelection(kept: kept)
    }

    /// `l(n)` of one teacher.
    private static func pictureMeans(_ types: [Tensor], _ pictures: Int) -> [Double] {
        precondition(!types.isEmpty, "teacher dropping without a token type")
        var means = [Double](repeating: 0, count: pictures)
        for type in types {
            precondition(
                type.count > 0 && type.count % pictures == 0,
                "teacher dropping: losses \(type.shape) for \(pictures) pictures")
            let (values, tokens) = (type.doubles(), type.count / pictures)
            for picture in 0..<pictures {
                let sum = values[picture * tokens..<(picture + 1) * tokens].reduce(0, +)
                means[picture] += sum / Double(tokens * types.count)
            }
        }
        return means
    }
}

/// The teachers that each picture of a batch learns from.
public struct TeacherSelection: Sendable, Equatable {
    /// `kept[teacher][picture]`.
    public let kept: [[Bool]]

    /// - Precondition: teachers have as many pictures each, and each picture has a teacher.
    public init(kept: [[Bool]]) {
        let pictures = kept.first?.count ?? 0
        precondition(
            pictures > 0 && kept.allSatisfy { $0.count == pictures }
                && (0..<pictures).allSatisfy { picture in kept.contains { $0[picture] } },
            "a selection of teachers must keep one for each picture: \(kept)")
        self.kept = kept
    }

    public var pictures: Int { kept[0].count }

    /// `Σ_i Σ_n c_i(n)`.
    public var keptCount: Int { kept.reduce(0) { $0 + $1.count { $0 } } }

    /// `w_i` of every teacher, `(N·P, 1)` each; they add up to N·P over teachers and tokens.
    ///
    /// - Parameters:
    ///   - tokens: P, the tokens of a picture.
    ///   - group: the ranks that share the batch: N and the sum are over all of them.
    public func weights(
        tokens: Int, _ dtype: DType = .f32, group: any Communicator = SingleProcess()
    ) -> [Tensor] {
        let share = Double(pictures) / group.means([Double(keptCount)])[0]
        return kept.map { teacher in
            let values = teacher.flatMap { [Double](repeating: $0 ? share : 0, count: tokens) }
            return Tensor(values, [pictures * tokens, 1]).converted(to: dtype)
        }
    }
}
