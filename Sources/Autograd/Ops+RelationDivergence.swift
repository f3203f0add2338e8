import CKernels
import Determinism
import TensorCore

/// Which two parts of packed projections a relation between tokens is made of.
public enum ProjectionPair: Sendable {
    case queryKey
    case valueValue

    fileprivate var places: (left: Int, right: Int) { self == .queryKey ? (0, 1) : (2, 2) }
}

extension Variable {
    /// How far the relations between a student's tokens are from a teacher's, both from packed projections:
    ///
    ///     R = softmax(A Bᵀ / √d)     for each picture and head; A, B = Q, K or V, V; each side with its own d
    ///     y = mean over pictures, heads and queries of Σ_keys R_T (log R_T − log R_S)
    ///     dS = (R_S − R_T) / (N h T √d_S),  dA = dS B,  dB = dSᵀ A     (V gets both)
    ///
    /// This value is `(N, T, 3C)`: q, k and v side by side, each `heads` blocks of `C / heads`. bfloat16 is widened first,
    /// its gradient rounded at the end. The gradient is made with the value, one head at a time: no `(T, T)` matrix is kept.
    ///
    /// - Parameters:
    ///   - teacher: `(N, T, 3C')` of any floating type, a constant; `C'` may differ.
    ///   - heads: of both sides.
    /// - Returns: a scalar; f32 where this value is bfloat16.
    /// - Source: Ren et al. 2023, arXiv:2301.01296 (TinyMIM), as read in its code (`vit.py`, `models_tinymim.py`).
    public func relationDivergence(_ pair: ProjectionPair, from teacher: Tensor, heads: Int) -> Variable {
        let (inputType, dtype) = (value.dtype, value.dtype == .bf16 ? DType.f32 : value.dtype)
        let (mine, theirs) = (value.converted(to: dtype), teacher.converted(to: dtype))
        let (parts, others) = AttentionParts.pair(mine, theirs, heads: (heads, heads))
        let (tokens, tasks) = (parts.tokens, parts.pictures * heads)
        let losses = Tensor(uninitialized: [tasks], .f64)
        let gradient = isTracked ? Tensor.zeros(shape, dtype) : nil
        let (share, sums) = (1 / Double(tasks * tokens), losses.f64())
        parts.forEach { task in
            let (scores, wanted) = (parts.scores(mine, task, pair), others.scores(theirs, task, pair))
            let (table, count) = (parts.table, scores.count)
            // The logarithms are subtracted before they are summed: near the teacher nothing large cancels.
            let (relation, target) = (
                Tensor(uninitialized: scores.shape, dtype), Tensor(uninitialized: scores.shape, dtype)
            )
            let gap = Tensor(uninitialized: scores.shape, dtype)
            table.pointee.log_softmax(gap.raw, wanted.raw, tokens, tokens)
            table.pointee.log_softmax(relation.raw, scores.raw, tokens, tokens)
            table.pointee.axpy(gap.raw, relation.raw, -1, count)
            table.pointee.softmax(target.raw, wanted.raw, tokens, tokens)
            sums[task] = table.pointee.dot(target.raw, gap.raw, count)
            if let gradient {
                table.pointee.softmax(relation.raw, scores.raw, tokens, tokens)
                table.pointee.axpy(relation.raw, target.raw, -1, count)
                table.pointee.scale(relation.raw, relation.raw, share * parts.scale, count)
                parts.storeGradient(ofScores: relation.raw, mine, into: gradient, task, pair)
            }
            keepAlive(scores.storage, wanted.storage, relation.storage, target.storage, gap.storage)
        }
        let total = Kernels.table(.f64).pointee.sum(sums, tasks) * share
        keepAlive(losses.storage)
        return .record(Tensor.full([], total, dtype), from: [self]) { dy in
            [gradient.map { Elementwise.scaled($0, Variable(dy).item()).converted(to: inputType) }]
        }
    }
}

extension AttentionParts {
    /// The layouts of a student's and a teacher's packed projections of the same pictures and tokens.
    static func pair(
        _ student: Tensor, _ teacher: Tensor, heads: (student: Int, teacher: Int)
    ) -> (student: AttentionParts, teacher: AttentionParts) {
        precondition(
            student.rank == 3 && teacher.rank == 3 && student.shape[0] == teacher.shape[0]
                && student.shape[1] == teacher.shape[1] && student.shape[2] % (3 * heads.student) == 0
                && teacher.shape[2] % (3 * heads.teacher) == 0,
            "relations of projections \(student.shape), \(heads.student) heads, with \(teacher.shape), "
                + "\(heads.teacher) heads")
        func parts(_ x: Tensor, _ heads: Int) -> AttentionParts {
            AttentionParts(
                pictures: x.shape[0], tokens: x.shape[1], heads: heads, dim: x.shape[2] / (3 * heads), x.dtype)
        }
        return (parts(student, heads.student), parts(teacher, heads.teacher))
    }

    /// `A Bᵀ / √d` of one head, `(T, T)`.
    func scores(_ qkv: Tensor, _ task: Int, _ pair: ProjectionPair) -> Tensor {
        let (left, right) = pair.places
        let result = product(
            tokens, tokens, dim, head(qkv, task, part: left, of: 3),
            head(qkv, task, part: right, of: 3, transposed: true))
        table.pointee.scale(result.raw, result.raw, scale, result.count)
        keepAlive(result.storage)
        return result
    }

    /// Writes `dS B` and `dSᵀ A` to their places; where A and B are one part, their sum. `ds` holds the factor `1/√d`.
    func storeGradient(
        ofScores ds: UnsafeMutableRawPointer, _ qkv: Tensor, into gradient: Tensor, _ task: Int, _ pair: ProjectionPair
    ) {
        let (left, right) = pair.places
        let da = product(tokens, dim, tokens, view(ds, tokens), head(qkv, task, part: right, of: 3))
        let db = product(tokens, dim, tokens, view(ds, tokens, transposed: true), head(qkv, task, part: left, of: 3))
        if left == right {
            table.pointee.axpy(da.raw, db.raw, 1, da.count)
        } else {
            store(db, into: gradient, task, part: right, of: 3)
        }
        store(da, into: gradient, task, part: left, of: 3)
        keepAlive(da.storage, db.storage)
    }
}
