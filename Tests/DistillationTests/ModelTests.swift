import Autograd
import Determinism
import NeuralLayers
import TensorCore
import Testing

@testable import Distillation

struct ModelTests {
    private func model(_ fusion: Fusion = .consensus(), seed: UInt64 = 7) -> DistillationModel<TinyBackbone> {
        DistillationModel(
            student: TinyBackbone(width: 4, seed: seed),
            teachers: [TeacherSpecification(name: "a", width: 6), TeacherSpecification(name: "b", width: 8)],
            DistillationOptions(fusion: fusion), seed: seed)
    }
    private func teachers() -> [Teacher] {
        [
            Teacher(name: "a", TinyBackbone(width: 6, seed: 11), bf16: false),
            Teacher(name: "b", TinyBackbone(width: 8, seed: 12), bf16: false),
        ]
    }
    private func images(_ count: Int, seed: UInt64) -> Tensor {
        normals([count, 8, 12, 3], seed: seed).converted(to: .f32)
    }

    private func collect(
        _ any: Any, _ parameters: inout Set<ObjectIdentifier>, _ statistics: inout Set<ObjectIdentifier>
    ) {
        if let parameter = any as? Parameter {
            parameters.insert(ObjectIdentifier(parameter))
            return
        }
        if let found = any as? ChannelStatistics { statistics.insert(ObjectIdentifier(found)) }
        for child in Mirror(reflecting: any).children { collect(child.value, &parameters, &statistics) }
    }

    @Test func slotsCoverEverything() {
        let model = model()
        var (stored, statistics) = (Set<ObjectIdentifier>(), Set<ObjectIdentifier>())
        collect(model, &stored, &statistics)
        #expect(stored == Set(model.parameters.map(ObjectIdentifier.init)))
        let names = model.stateEntries().map(\.name)
        #expect(Set(names).count == names.count)
        #expect(statistics.count == 4 && names.count - stored.count == 3 * statistics.count)
        #expect(names.contains("teachers.1.patch.adapter.proj.weight"))
        #expect(names.contains("teachers.0.cls.standardizer.statistics.variance"))
    }

    @Test func stateCarriesTheLossOver() throws {
        let (first, second, batch) = (model(seed: 1), model(seed: 2), images(3, seed: 1))
        let tokens = teachers().map { $0.tokens(of: batch) }
        func loss(_ model: DistillationModel<TinyBackbone>, _ mode: ForwardMode) -> Double {
            let forward = Forward(mode: mode)
            let student = model.student.tokens(of: Variable(batch), forward)
            return LossTerm.total(model.loss(StudentViews(tokens: student), teacherTokens: tokens, forward).terms)
                .item()
        }
        _ = loss(first, .training)
        #expect(loss(first, .evaluation) != loss(second, .evaluation))
        try second.load(first.state(), from: "test")
        #expect(loss(first, .evaluation) == loss(second, .evaluation))
    }

    @Test func selectionAndWeightsShapeTheTerms() {
        let batch = images(2, seed: 3)
        let specifications = [
            TeacherSpecification(name: "a", width: 6, weight: 2),
            TeacherSpecification(name: "b", width: 8, weight: 0.5),
        ]
        let tokens = teachers().map { $0.tokens(of: batch) }
        for (selection, names) in [
            (TokenSelection.cls, ["a.cls", "b.cls"]), (.patches, ["a.patch", "b.patch"]),
            (.both, ["a.cls", "b.cls", "a.patch", "b.patch"]),
        ] {
            let model = DistillationModel(
                student: TinyBackbone(width: 4, seed: 1), teachers: specifications,
                DistillationOptions(fusion: .mean, tokens: selection), seed: 1)
            let student = model.student.tokens(of: Variable(batch), .evaluation)
            let (terms, diagnostics) = model.loss(StudentViews(tokens: student), teacherTokens: tokens, .evaluation)
            #expect(terms.map(\.name) == names && diagnostics.allSatisfy { $0.gate == 0.5 && $0.gates == nil })
            let share = selection == .both ? 0.25 : 0.5
            #expect(terms.map(\.weight) == names.map { $0.hasPrefix("a") ? 2 * share : 0.5 * share })
            #expect((model.teachers[0].cls == nil) == (selection == .patches))
        }
    }

    @Test func theStudentLearns() {
        let (model, batch) = (model(), images(8, seed: 5))
        let tokens = teachers().map { $0.tokens(of: batch) }
        let optimizer = AdamW(ParameterGroup.decayed(model.stateEntries(), weightDecay: 0.01))
        var losses: [Double] = []
        var patchCosine = 0.0
        for step in 0..<60 {
            let tape = Tape()
            let forward = Forward(mode: .training, seed: UInt64(step), tape: tape)
            let student = model.student.tokens(of: Variable(batch), forward)
            let (terms, diagnostics) = model.loss(StudentViews(tokens: student), teacherTokens: tokens, forward)
            let total = LossTerm.total(terms)
            losses.append(total.item())
            patchCosine = diagnostics.first { $0.tokenType == .patch }!.cosine
            optimizer.zeroGradients()
            tape.backward(total)
            #expect(optimizer.step(learningRate: 1e-2).isApplied)
        }
        #expect(losses[59] < 0.7 * losses[0] && patchCosine > 0.4)
    }

    @Test func threadsDoNotChangeTheBytes() {
        let batch = images(16, seed: 6)
        let tokens = teachers().map { $0.tokens(of: batch) }
        func gradients(_ threads: Int) -> [[Float]] {
            Parallel.setThreadCount(threads)
            let (model, tape) = (model(), Tape())
            let forward = Forward(mode: .training, tape: tape)
            let student = model.student.tokens(of: Variable(batch), forward)
            tape.backward(
                LossTerm.total(model.loss(StudentViews(tokens: student), teacherTokens: tokens, forward).terms))
            return model.parameters.compactMap { $0.gradient?.floats() }
        }
        let one = gradients(1)
        #expect(one == gradients(4) && one.count > 20)
        Parallel.setThreadCount(Parallel.coreCount)
    }
}
