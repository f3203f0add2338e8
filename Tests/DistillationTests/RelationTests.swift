import Autograd
import Determinism
import NeuralLayers
import TensorCore
import Testing

@testable import Distillation

struct RelationTests {
    private func relation(_ kind: AttentionRelation.Kind, heads: (Int, Int), widths: (Int, Int)) -> AttentionRelation {
        var stream = RandomStream(seed: 5, purpose: "relation")
        return AttentionRelation(
            kind, studentHeads: heads.0, teacherHeads: heads.1, studentWidth: widths.0, teacherWidth: widths.1, &stream)
    }

    @Test func termsHaveNamesAndTheConvolutionOnlyWhereHeadsDiffer() {
        let (student, teacher) = (Variable(normals([2, 5, 36], seed: 1)), normals([2, 5, 24], seed: 2))
        let tiny = relation(.qkvv, heads: (3, 4), widths: (12, 8))
        #expect(
            tiny.loss(student: student, teacher: teacher, .evaluation).map(\.name) == ["relation.qk", "relation.vv"])
        #expect(tiny.parameters.isEmpty)
        let maps = relation(.attentionMaps, heads: (3, 4), widths: (12, 8))
        maps.convertParametersToDouble()
        #expect(maps.state().mapValues(\.shape) == ["heads.weight": [4, 3, 1, 1]])
        #expect(maps.loss(student: student, teacher: teacher, .evaluation).map(\.name) == ["relation.attention"])
        #expect(relation(.attentionMaps, heads: (4, 4), widths: (12, 8)).parameters.isEmpty)
        #expect(!AttentionRelation.fits(.qkvv, studentHeads: 3, teacherHeads: 5, studentWidth: 12, teacherWidth: 10))
    }

    @Test(arguments: AttentionRelation.Kind.allCases) func aCopyOfTheTeacherHasNoLoss(_ kind: AttentionRelation.Kind) {
        let teacher = normals([2, 6, 24], seed: 3)
        let relation = relation(kind, heads: (2, 2), widths: (8, 8))
        for term in relation.loss(student: Variable(teacher), teacher: teacher, .evaluation) {
            #expect(abs(term.value.item()) < 1e-15)
        }
        for term in relation.loss(student: Variable(normals([2, 6, 24], seed: 4)), teacher: teacher, .evaluation) {
            #expect(term.value.item() > 1e-3)
        }
    }

    @Test(arguments: AttentionRelation.Kind.allCases) func roundedProjectionsStayNear(_ kind: AttentionRelation.Kind) {
        let relation = relation(kind, heads: (3, 2), widths: (6, 8))
        let (student, teacher) = (normals([2, 6, 18], seed: 5), normals([2, 6, 24], seed: 6))
        func run(_ type: DType) -> (Double, Tensor) {
            let tape = Tape()
            let gradient = Tensor.zeros(student.shape)
            let owner = relation
            let leaf = tape.leaf(student.converted(to: .f32), gradient: gradient, owner: owner)
            let input = type == .bf16 ? leaf.rounded() : leaf
            let forward = Forward(mode: .training, tape: tape)
            let total = LossTerm.total(relation.loss(student: input, teacher: teacher.converted(to: type), forward))
            tape.backward(total)
            return (total.item(), gradient)
        }
        let (wide, rounded) = (run(.f32), run(.bf16))
        #expect(abs(wide.0 - rounded.0) < 0.02 * wide.0 && wide.0 != rounded.0)
        let scale = wide.1.doubles().map(abs).max()!
        for (a, b) in zip(wide.1.doubles(), rounded.1.doubles()) { #expect(abs(a - b) < 0.05 * scale) }
    }

    @Test func aStudentLearnsTheTeachersRelations() {
        let relation = relation(.attentionMaps, heads: (3, 2), widths: (6, 8))
        let student = Parameter(normals([1, 5, 18], seed: 7).converted(to: .f32))
        let teacher = normals([1, 5, 24], seed: 8)
        var losses: [Double] = []
        for _ in 0..<60 {
            let tape = Tape()
            let forward = Forward(mode: .training, tape: tape)
            let total = LossTerm.total(relation.loss(student: forward(student), teacher: teacher, forward))
            losses.append(total.item())
            tape.backward(total)
            for parameter in [student] + relation.parameters {
                Elementwise.axpy(parameter.value, parameter.gradient!, -5)
                parameter.gradient = nil
            }
        }
        #expect(losses.last! < 0.5 * losses[0])
    }

    @Test func aTeacherGivesItsProjections() {
        let images = normals([2, 8, 12, 3], seed: 1, scale: 0.2, offset: 0.5).converted(to: .f32)
        let teacher = Teacher(name: "a", TinyBackbone(width: 6, seed: 3))
        let tokens = teacher.tokens(of: images, projections: [0])
        #expect(tokens.projections.map(\.shape) == [[2, 7, 18]] && tokens.projections[0].dtype == .bf16)
        #expect(teacher.tokens(of: images).projections.isEmpty)
        #expect(teacher.tokens(of: images).patches.floats() == tokens.patches.floats())
    }
}

extension Variable {
    /// The same values as bfloat16, with a rounded gradient: what a rounded projection gives.
    fileprivate func rounded() -> Variable {
        .record(value.converted(to: .bf16), from: [self]) { [$0.converted(to: .f32)] }
    }
}
