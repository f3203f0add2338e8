import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// How one teacher fared on one token type of a batch.
public struct TeacherDiagnostics {
    public var teacher: String
    public var tokenType: TokenType
    /// The mean cosine between adapted student and targets.
    public var cosine: Double
    /// The teacher's mean share of the gate; shares of all teachers add up to 1.
    public var gate: Double
    /// The share at each token, `(P, 1)`, where the fusion has one a token or picture.
    public var gates: Tensor?
}

/// What the student is asked for, and how.
public struct DistillationOptions {
    public var fusion: Fusion
    public var tokens = TokenSelection.both
    public var standardization = TargetStandardization.zScore()
    public var adapter = AdapterKind.linear
    /// Present where the student sees a part of the patches only; the targets are then asked of its decoder.
    public var masking: StudentMasking?
    /// Of `TokenSelection.proteus`.
    public var hiddenPatches = HiddenPatches()
    public var relation: RelationTarget?

    public init(
        fusion: Fusion, tokens: TokenSelection = .both, standardization: TargetStandardization = .zScore()
    ) {
        (self.fusion, self.tokens, self.standardization) = (fusion, tokens, standardization)
    }
}

/// A student with its adapters and target statistics: everything of distillation that is trained or saved.
///
/// Checkpoint names `student.*`, `decoder.*`, `mask_token` and `teachers.i.{cls,patch,hidden}.*`, teachers in the order
/// given. The teachers themselves are no part of it.
public final class DistillationModel<Student: TokenBackbone>: Layer {
    public let student: Student
    public let teachers: [TeacherBranch]
    public let options: DistillationOptions
    /// `(1, C)`, where patches are hidden.
    let maskToken: Parameter?
    private var decoder: MaskDecoder? { options.masking?.decoder }

    /// - Precondition: names differ; the name of `.single` is one of them; a ladder stands on the student's own blocks, hidden
    ///   patches and relations on its own tokens, so none goes with masking; dropping needs tokens.
    public init(student: Student, teachers: [TeacherSpecification], _ options: DistillationOptions, seed: UInt64) {
        let names = teachers.map(\.name)
        precondition(!names.isEmpty && Set(names).count == names.count, "distillation from teachers \(names)")
        if case .single(let name) = options.fusion {
            precondition(names.contains(name), "distillation from \(name), which is none of \(names)")
        }
        let hides = options.tokens.types.contains(.hidden)
        precondition(
            options.masking == nil || !(options.adapter.needsBlocks || hides || options.relation != nil),
            "a masked student with ladder, hidden patches or relations")
        self.student = student
        self.options = options
        let width = options.masking?.decoder.width ?? student.width
        self.teachers = teachers.map {
            TeacherBranch($0, student: student, width: width, options, seed: seed)
        }
        var stream = RandomStream(seed: seed, purpose: "mask token of the student")
        maskToken =
            hides
            ? Parameter(Initialization.normal(0.02).draw([1, student.width], fanIn: 1, fanOut: 1, &stream)) : nil
    }

    public static var slots: [Slot<DistillationModel>] {
        [
            .layer("student", \.student), .layer("decoder", \.decoder), .parameter("mask_token", \.maskToken),
            .layers("teachers", \.teachers),
        ]
    }

    /// The names of the teachers whose tokens `loss` needs.
    public var teacherNames: [String] { active.map(\.specification.name) }

    private var active: [TeacherBranch] {
        guard case .single(let name) = options.fusion else { return teachers }
        return teachers.filter { $0.specification.name == name }
    }

    /// One term a teacher and token type, named `teacher.cls`, `teacher.patch` and `teacher.hidden`, and the terms of the
    /// relation, `teacher.relation.…`, at 1/K of their weight each.
    ///
    /// With K teachers asked and gate w, the total is `Σ_i v_i Σ_type u mean_p w_i(p) ℓ_i(p)`, where `v` is the weight of
    /// the specification, `u` that of the token selection and w is 1/K for `.mean`: all fusions share one scale. A term's
    /// value holds `mean_p K w_i(p) ℓ_i(p)` and its weight the rest.
    ///
    /// In training the target statistics take in the batch.
    ///
    /// - Parameters:
    ///   - views: of `views(of:_:)`; f32 or f64.
    ///   - teacherTokens: in any order; teachers that the fusion does not ask are passed over. The grid must be the
    ///     student's.
    public func loss(
        _ views: StudentViews, teacherTokens: [TeacherTokens], _ forward: Forward
    ) -> (terms: [LossTerm], diagnostics: [TeacherDiagnostics]) {
        let types = options.tokens.types
        let branches = active
        // Per teacher, one match a type.
        let asked = branches.map { branch in
            let name = branch.specification.name
            guard let found = teacherTokens.first(where: { $0.name == name }) else {
                preconditionFailure("distillation: no tokens of \(name) among \(teacherTokens.map(\.name))")
            }
            check(found, branch.specification, against: views.tokens)
            return found
        }
        let matches = zip(branches, asked).map { $0.matches(types, views, $1, forward) }
        let (pictures, patches) = (views.tokens.classToken.shape[0], views.tokens.patches.shape[1])
        let shares = shares(
            matches, branches, hidden: views.hidden?.rows, pictures: pictures, patches: patches, forward)
        var (terms, diagnostics) = ([LossTerm](), [TeacherDiagnostics]())
        for (at, type) in types.enumerated() {
            let weight = options.tokens.weight(type, patches: patches) / Double(branches.count)
            for (index, branch) in branches.enumerated() {
                let (match, specification) = (matches[index][at], branch.specification)
                let gate = shares[at].map { $0[index] }
                let rowWeights = gate.map { Elementwise.scaled($0, Double(branches.count)) }
                terms.append(
                    LossTerm(
                        name: "\(specification.name).\(type.rawValue)",
                        value: specification.loss(type).value(of: match, rowWeights: rowWeights),
                        weight: weight * specification.weight))
                diagnostics.append(
                    TeacherDiagnostics(
                        teacher: specification.name, tokenType: type, cosine: match.cosine.detached().mean().item(),
                        gate: gate.map { Variable($0).mean().item() } ?? 1 / Double(branches.count), gates: gate))
            }
        }
        for (branch, tokens) in zip(branches, asked) {
            guard let relation = branch.relation, let target = options.relation else { continue }
            precondition(tokens.projections.count == 1, "relation: the projections of one block of each teacher")
            let weight = target.weight * branch.specification.weight / Double(branches.count)
            for term in relation.loss(student: views.tokens.projections[0], teacher: tokens.projections[0], forward) {
                terms.append(
                    LossTerm(name: "\(branch.specification.name).\(term.name)", value: term.value, weight: weight))
            }
        }
        return (terms, diagnostics)
    }

    /// The blocks of a teacher whose queries, keys and values the loss needs.
    public var teacherProjections: [Int] { options.relation.map { [$0.teacherBlock] } ?? [] }

    private func check(_ teacher: TeacherTokens, _ specification: TeacherSpecification, against student: Tokens) {
        let (pictures, patches) = (student.classToken.shape[0], student.patches.shape[1])
        precondition(
            teacher.grid == student.grid,
            "distillation: grid \(teacher.grid) of \(teacher.name) is not the student's, \(student.grid)")
        precondition(
            patches == student.grid.height * student.grid.width,
            "distillation: \(patches) student patches on grid \(student.grid); all must be visible")
        precondition(
            teacher.cls.shape == [pictures, specification.width]
                && teacher.patches.shape == [pictures, patches, specification.width],
            "distillation: tokens \(teacher.cls.shape), \(teacher.patches.shape) of \(teacher.name) for \(pictures) "
                + "pictures, \(patches) patches and width \(specification.width)")
    }
}
