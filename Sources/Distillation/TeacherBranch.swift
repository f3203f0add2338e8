import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// Which tokens are distilled.
public enum TokenSelection: String, Sendable, CaseIterable {
    /// No token: relations alone.
    case none
    case cls
    case patches
    /// Both, at half weight each.
    case both
    /// Proteus' three parts at weight 1 each: class token, all tokens, hidden patches. The mean over all `1 + T` tokens is
    /// `(cls + T · patch) / (1 + T)` and shares the adapters of both.
    case proteus

    /// The token types, class token first.
    public var types: [TokenType] {
        switch self {
        case .none: []
        case .cls: [.cls]
        case .patches: [.patch]
        case .both: [.cls, .patch]
        case .proteus: [.cls, .patch, .hidden]
        }
    }

    /// The weight of a type's loss, for pictures of so many patches.
    func weight(_ type: TokenType, patches: Int) -> Double {
        switch (self, type) {
        case (.none, _), (.cls, _), (.patches, _), (.proteus, .hidden): 1
        case (.both, _): 0.5
        case (.proteus, .cls): 1 + 1 / Double(1 + patches)
        case (.proteus, .patch): Double(patches) / Double(1 + patches)
        }
    }
}

/// The kinds of token of a ViT that a teacher is asked for.
public enum TokenType: String, Sendable, CaseIterable {
    case cls, patch
    /// Patches of which the student saw a mask token only.
    case hidden
}

/// What the student must know of a teacher.
public struct TeacherSpecification: Sendable, Equatable {
    public var name: String
    public var width: Int
    /// Attention heads, for relations.
    public var headCount: Int
    /// Multiplies the teacher's terms.
    public var weight: Double
    public var clsLoss: DistillationLoss
    public var patchLoss: DistillationLoss

    public init(
        name: String, width: Int, headCount: Int = 1, weight: Double = 1,
        clsLoss: DistillationLoss = DistillationLoss(),
        patchLoss: DistillationLoss = DistillationLoss()
    ) {
        self.name = name
        self.width = width
        self.headCount = headCount
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

    init(_ adapter: Adapter, _ standardizer: TargetStandardizer) {
        (self.adapter, self.standardizer) = (adapter, standardizer)
    }

    public static var slots: [Slot<TokenBranch>] {
        [.layer("adapter", \.adapter), .layer("standardizer", \.standardizer)]
    }
}

/// Relations of attention between one block of the student and one of each teacher, beside tokens or in their place.
public struct RelationTarget: Sendable, Equatable {
    public var kind: AttentionRelation.Kind
    /// Indices from 0.
    public var studentBlock: Int
    public var teacherBlock: Int
    /// Multiplies the terms.
    public var weight: Double

    public init(_ kind: AttentionRelation.Kind, studentBlock: Int, teacherBlock: Int, weight: Double = 1) {
        (self.kind, self.studentBlock, self.teacherBlock) = (kind, studentBlock, teacherBlock)
        self.weight = weight
    }
}

/// The student's paths to one teacher. Checkpoint names `cls`, `patch`, `hidden`, `relation`.
public final class TeacherBranch: Layer {
    public let specification: TeacherSpecification
    public let cls: TokenBranch?
    public let patch: TokenBranch?
    /// The adapter of hidden patches; their targets are those of all patches.
    public let hidden: Adapter?
    public let relation: AttentionRelation?

    /// - Parameter width: of the adapters' input.
    init(
        _ specification: TeacherSpecification, student: some TokenBackbone, width: Int, _ options: DistillationOptions,
        seed: UInt64
    ) {
        self.specification = specification
        // A stream a teacher and type, named after them: the order of teachers does not change the weights.
        func path(_ type: TokenType) -> Adapter? {
            guard options.tokens.types.contains(type) else { return nil }
            var stream = RandomStream(seed: seed, purpose: "adapter \(specification.name) \(type.rawValue)")
            return Adapter(
                options.adapter, studentWidth: width, depth: student.depth, teacherWidth: specification.width, &stream)
        }
        func branch(_ type: TokenType) -> TokenBranch? {
            path(type).map {
                TokenBranch($0, TargetStandardizer(options.standardization, channels: specification.width))
            }
        }
        cls = branch(.cls)
        patch = branch(.patch)
        hidden = path(.hidden)
        relation = options.relation.map {
            var stream = RandomStream(seed: seed, purpose: "relation \(specification.name)")
            return AttentionRelation(
                $0.kind, studentHeads: student.headCount, teacherHeads: specification.headCount,
                studentWidth: student.width, teacherWidth: specification.width, &stream)
        }
    }

    public static var slots: [Slot<TeacherBranch>] {
        [
            .layer("cls", \.cls), .layer("patch", \.patch), .layer("hidden", \.hidden),
            .layer("relation", \.relation),
        ]
    }

    /// Adapted student and standardised targets of every type asked for, in that order. In training the target
    /// statistics take in the batch.
    func matches(_ types: [TokenType], _ views: StudentViews, _ teacher: TeacherTokens, _ forward: Forward)
        -> [TokenMatch]
    {
        let dtype = views.tokens.patches.value.dtype
        var patches: Tensor?
        return types.map { type in
            switch type {
            case .cls:
                let target = cls!.standardizer.standardized(
                    teacher.cls.converted(to: dtype), forward.mode, group: forward.group)
                return TokenMatch(cls!.adapter(views.input(.cls), forward), target)
            case .patch:
                let target = patch!.standardizer.standardized(
                    teacher.patches.converted(to: dtype), forward.mode, group: forward.group)
                patches = target
                return TokenMatch(patch!.adapter(views.input(.patch), forward), target)
            case .hidden:
                guard let patches else { preconditionFailure("hidden patches without patches") }
                let rows = Variable(patches.reshaped([-1, specification.width])).gatheringRows(views.hidden!.rows)
                return TokenMatch(hidden!(views.input(.hidden), forward), rows.value)
            }
        }
    }
}
