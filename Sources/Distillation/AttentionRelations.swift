import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// Matches what a student's tokens have to do with each other to what a teacher's have, from the queries, keys and values
/// of one block each; widths may differ.
///
/// `.qkvv`, of TinyMIM, terms `relation.qk` and `relation.vv`:
///
///     KL(R_T^QK ‖ R_S^QK) + KL(R_T^VV ‖ R_S^VV)     R^QK = softmax(Q Kᵀ / √d), R^VV = softmax(V Vᵀ / √d) for each head
///
/// the mean over pictures, heads and queries of the sum over keys. Both sides are cut into the teacher's number of heads,
/// which must divide the student's width. TinyMIM gives the student's last block that number of heads (12 at widths 192
/// and 384), so that `R_S^QK` is the attention of the block; a block with other heads is cut anew for the loss.
///
/// `.attentionMaps`, of D-MAE, term `relation.attention`:
///
///     MSE(Conv1x1_heads(A_S), A_T)     A = softmax(Q Kᵀ / √d) for each head of its own network
///
/// the mean over pictures, teacher heads, queries and keys. The convolution, without bias, goes from the student's heads to
/// the teacher's; as in the source there is none where the numbers agree.
///
/// Class token and patches take part alike. Checkpoint name `heads.weight (teacher heads, student heads, 1, 1)`.
/// - Source: Ren et al. 2023, arXiv:2301.01296, and github.com/OliverRensu/TinyMIM; Wang et al. 2023, arXiv:2205.14443,
///   and github.com/wangsr126/MAE-Lite.
public final class AttentionRelation: Layer {
    public enum Kind: String, Sendable, CaseIterable {
        case qkvv
        case attentionMaps
    }

    public let kind: Kind
    public let studentHeads: Int
    public let teacherHeads: Int
    public let studentWidth: Int
    public let teacherWidth: Int
    /// The convolution over heads, where there is one.
    public let heads: Conv2d?

    /// Whether the widths can be cut into the heads that the relation needs.
    public static func fits(
        _ kind: Kind, studentHeads: Int, teacherHeads: Int, studentWidth: Int, teacherWidth: Int
    ) -> Bool {
        teacherWidth % teacherHeads == 0 && studentWidth % (kind == .qkvv ? teacherHeads : studentHeads) == 0
    }

    /// - Precondition: `fits`.
    public init(
        _ kind: Kind, studentHeads: Int, teacherHeads: Int, studentWidth: Int, teacherWidth: Int,
        _ stream: inout RandomStream
    ) {
        precondition(
            Self.fits(
                kind, studentHeads: studentHeads, teacherHeads: teacherHeads, studentWidth: studentWidth,
                teacherWidth: teacherWidth),
            "relation \(kind.rawValue): \(studentHeads) heads of width \(studentWidth) to \(teacherHeads) of width "
                + "\(teacherWidth)")
        self.kind = kind
        self.studentHeads = studentHeads
        self.teacherHeads = teacherHeads
        self.studentWidth = studentWidth
        self.teacherWidth = teacherWidth
        heads =
            kind == .attentionMaps && studentHeads != teacherHeads
            ? Conv2d(studentHeads, teacherHeads, kernel: 1, bias: false, initialization: .xavierUniform, &stream) : nil
    }

    public static var slots: [Slot<AttentionRelation>] { [.layer("heads", \.heads)] }

    /// - Parameters:
    ///   - student: queries, keys and values side by side, `(N, T, 3 · student width)`, as in `Tokens.projections`; f32,
    ///     f64 or bf16, which is widened to f32 first.
    ///   - teacher: `(N, T, 3 · teacher width)` of the same pictures and tokens, of any of these types.
    /// - Returns: terms of weight 1.
    public func loss(student: Variable, teacher: Tensor, _ forward: Forward) -> [LossTerm] {
        precondition(
            student.shape.last == 3 * studentWidth && teacher.shape.last == 3 * teacherWidth,
            "relation: projections \(student.shape) and \(teacher.shape) for widths \(studentWidth), \(teacherWidth)")
        switch kind {
        case .qkvv:
            return [(ProjectionPair.queryKey, "relation.qk"), (.valueValue, "relation.vv")].map { pair, name in
                LossTerm(name: name, value: student.relationDivergence(pair, from: teacher, heads: teacherHeads))
            }
        case .attentionMaps:
            let mixing = heads.map { forward($0.weight).reshaped([teacherHeads, studentHeads]) }
            let error = student.attentionMapError(
                heads: studentHeads, from: teacher, teacherHeads: teacherHeads, mixing: mixing)
            return [LossTerm(name: "relation.attention", value: error)]
        }
    }
}
