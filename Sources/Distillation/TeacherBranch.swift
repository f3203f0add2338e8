import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// Which tokens are distilled.
public enum TokenSelection: String, Sendable, CaseIterable {
    case cls
    case patches
    /// Both, at half weight each.
    case both

    /// The token types, class token first.
    public var types: [TokenType] {
        switch self {
        case .cls: [.cls]
        case .patches: [.patch]
        case .both: [.cls, .patch]
        }
    }
}

/// The two kinds of token of a ViT.
public enum TokenType: String, Sendable, CaseIterable {
    case cls, patch
}

/// What the student must know of a teacher.
public struct TeacherSpecification: Sendable, Equatable {
    public var name: String
    public var width: Int
    /// Multiplies the teacher's terms.
    public var weight: Double
    public var clsLoss: DistillationLoss
    public var patchLoss: DistillationLoss

    public init(
        name: String, width: Int, weight: Double = 1, clsLoss: DistillationLoss = DistillationLoss(),
        patchLoss: DistillationLoss = DistillationLoss()
    ) {
        self.name = name
        self.width = width
        self.weight = weight
        self.clsLoss = clsLoss
        self.patchLoss = patchLoss
    }

    /// The loss of a token type.
    public func loss(_ type: TokenType) -> DistillationLoss { type == .cls ? clsLoss : patchLoss }
}

/// The path of one token type to one teacher. Checkpoint names `adapter`, `standardizer`.
public final class TokenBranch: Layer {
    public let adapter: Adapter
    public let standardizer: TargetStandardizer

    init(studentWidth: Int, teacherWidth: Int, _ standardization: TargetStandardization, _ stream: inout RandomStream) {
        adapter = Adapter(studentWidth: studentWidth, teacherWidth: teacherWidth, &stream)
        standardizer = TargetStandardizer(standardization, channels: teacherWidth)
    }

    public static var slots: [Slot<TokenBranch>] {
        [.layer("adapter", \.adapter), .layer("standardizer", \.standardizer)]
    }

    func match(_ student: Variable, _ teacher: Tensor, _ forward: Forward) -> TokenMatch {
        let target = standardizer.standardized(teacher.converted(to: student.value.dtype), forward.mode)
        return TokenMatch(adapter(student, forward), target)
    }
}

/// The student's paths to one teacher. Checkpoint names `cls`, `patch`.
public final class TeacherBranch: Layer {
    public let specification: TeacherSpecification
    public let cls: TokenBranch?
    public let patch: TokenBranch?

    init(
        _ specification: TeacherSpecification, studentWidth: Int, tokens: TokenSelection,
        _ standardization: TargetStandardization, seed: UInt64
    ) {
        self.specification = specification
        // A stream a teacher, named after it: the order of teachers does not change the weights.
        func branch(_ type: TokenType) -> TokenBranch? {
            guard tokens.types.contains(type) else { return nil }
            var stream = RandomStream(seed: seed, purpose: "adapter \(specification.name) \(type.rawValue)")
            return TokenBranch(
                studentWidth: studentWidth, teacherWidth: specification.width, standardization, &stream)
        }
        cls = branch(.cls)
        patch = branch(.patch)
    }

    public static var slots: [Slot<TeacherBranch>] { [.layer("cls", \.cls), .layer("patch", \.patch)] }

    func branch(_ type: TokenType) -> TokenBranch? { type == .cls ? cls : patch }
}
