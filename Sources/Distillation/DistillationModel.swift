import Autograd
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
    /// The share at each token, `(P, 1)`, where the fusion has one a token.
    public var gates: Tensor?
}

/// A student with its adapters and target statistics: everything of distillation that is trained or saved.
///
/// Checkpoint names `student.*` and `teachers.i.{cls,patch}.{adapter,standardizer}.*`, teachers in the order given. The
/// teachers themselves are no part of it.
public final class DistillationModel<Student: TokenBackbone>: Layer {
    public let student: Student
    public let teachers: [TeacherBranch]
    public let fusion: Fusion
    public let tokens: TokenSelection

    /// - Precondition: names differ; the name of `.single` is one of them.
    public init(
        student: Student, teachers: [TeacherSpecification], fusion: Fusion, tokens: TokenSelection = .both,
        standardization: TargetStandardization = .zScore(), seed: UInt64
    ) {
        let names = teachers.map(\.name)
        precondition(!names.isEmpty && Set(names).count == names.count, "distillation from teachers \(names)")
        if case .single(let name) = fusion {
            precondition(names.contains(name), "distillation from \(name), which is none of \(names)")
        }
        self.student = student
        self.fusion = fusion
        self.tokens = tokens
        self.teachers = teachers.map {
            TeacherBranch($0, studentWidth: student.width, tokens: tokens, standardization, seed: seed)
        }
    }

    public static var slots: [Slot<DistillationModel>] {
        [.layer("student", \.student), .layers("teachers", \.teachers)]
    }

    /// The names of the teachers whose tokens `loss` needs.
    public var teacherNames: [String] { active.map(\.specification.name) }

    private var active: [TeacherBranch] {
        guard case .single(let name) = fusion else { return teachers }
        return teachers.filter { $0.specification.name == name }
    }

    /// One term a teacher and token type, named `teacher.cls` and `teacher.patch`.
    ///
    /// With K teachers asked and gate w, the total is `Σ_i v_i mean_p w_i(p) ℓ_i(p)`, averaged over token types, where
    /// `v` is the weight of the specification and w is 1/K for `.mean`: all fusions share one scale. A term's value
    /// holds `mean_p K w_i(p) ℓ_i(p)` and its weight the rest.
    ///
    /// In training the target statistics take in the batch.
    ///
    /// - Parameters:
    ///   - studentTokens: of all patches; f32 or f64.
    ///   - teacherTokens: in any order; teachers that the fusion does not ask are passed over. The grid must be the
    ///     student's.
    public func loss(
        studentTokens: Tokens, teacherTokens: [TeacherTokens], _ forward: Forward
    ) -> (terms: [LossTerm], diagnostics: [TeacherDiagnostics]) {
        let asked = active.map { branch in
            let name = branch.specification.name
            guard let found = teacherTokens.first(where: { $0.name == name }) else {
                preconditionFailure("distillation: no tokens of \(name) among \(teacherTokens.map(\.name))")
            }
            check(found, branch.specification, against: studentTokens)
            return (branch: branch, tokens: found)
        }
        let share = 1 / Double(tokens.types.count * asked.count)
        var (terms, diagnostics) = ([LossTerm](), [TeacherDiagnostics]())
        for type in tokens.types {
            let matches = asked.map { branch, tokens in
                branch.branch(type)!.match(
                    type == .cls ? studentTokens.classToken : studentTokens.patches,
                    type == .cls ? tokens.cls : tokens.patches, forward)
            }
            let gates = gates(matches, type, pictures: studentTokens.classToken.shape[0])
            for (index, match) in matches.enumerated() {
                let specification = asked[index].branch.specification
                let gate = gates.map { $0[index] }
                let rowWeights = gate.map { Elementwise.scaled($0, Double(asked.count)) }
                terms.append(
                    LossTerm(
                        name: "\(specification.name).\(type.rawValue)",
                        value: specification.loss(type).value(of: match, rowWeights: rowWeights),
                        weight: share * specification.weight))
                diagnostics.append(
                    TeacherDiagnostics(
                        teacher: specification.name, tokenType: type, cosine: match.cosine.detached().mean().item(),
                        gate: gate.map { Variable($0).mean().item() } ?? 1 / Double(asked.count), gates: gate))
            }
        }
        return (terms, diagnostics)
    }

    private func gates(_ matches: [TokenMatch], _ type: TokenType, pictures: Int) -> [Tensor]? {
        guard case .consensus(let temperature, let agreement) = fusion else { return nil }
        let groups = type == .cls ? 1 : pictures
        return ConsensusGate(temperature: temperature, agreement: agreement).weights(
            affinities: matches.map(\.cosine.value),
            targets: matches.map { $0.target.reshaped([groups, $0.rows / groups, $0.columns]) })
    }

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
