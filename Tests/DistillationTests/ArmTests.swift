import Autograd
import Determinism
import NeuralLayers
import TensorCore
import Testing

@testable import Distillation

/// Adapters, masked students and hidden patches, each through the whole model.
struct ArmTests {
    static let arms = [
        "linear", "mlp", "ladder", "masked", "masked mlp", "proteus", "proteus ladder", "relation",
        "maps alone",
    ]

    /// Two teachers on a 2 x 3 grid; every weight that is a matrix is large enough to matter.
    private func model(_ arm: String, fusion: Fusion = .mean, isDouble: Bool = true) -> DistillationModel<TinyBackbone>
    {
        var options = DistillationOptions(fusion: fusion)
        if arm.contains("mlp") { options.adapter = .mlp(hidden: 5) }
        if arm.contains("ladder") { options.adapter = .ladder(hidden: 5, last: 7) }
        if arm.contains("masked") {
            var stream = RandomStream(seed: 3, purpose: "test decoder")
            let positions = normals([1, 7, 6], seed: 40).converted(to: .f32)
            options.masking = StudentMasking(
                ratio: 0.5, decoder: MaskDecoder(encoderWidth: 4, positions: positions, depth: 1, heads: 2, &stream))
        }
        if arm.contains("proteus") { options.tokens = .proteus }
        if arm == "relation" { options.relation = RelationTarget(.qkvv, studentBlock: 0, teacherBlock: 0, weight: 2) }
        if arm == "maps alone" {
            options.tokens = .none
            options.relation = RelationTarget(.attentionMaps, studentBlock: 0, teacherBlock: 0)
        }
        let model = DistillationModel(
            student: TinyBackbone(width: 4, seed: 1),
            teachers: [
                TeacherSpecification(name: "a", width: 6, headCount: 1),
                TeacherSpecification(name: "b", width: 8, headCount: 4),
            ], options,
            seed: 7)
        for (index, parameter) in model.teachers.flatMap(\.parameters).enumerated() where parameter.shape.count == 2 {
            parameter.value = normals(parameter.shape, seed: UInt64(200 + index), scale: 0.5).converted(to: .f32)
        }
        if isDouble { model.convertParametersToDouble() }
        return model
    }

    private let images = normals([4, 8, 12, 3], seed: 9)

    private func teachers(_ dtype: DType = .f64) -> [TeacherTokens] {
        [("a", 6), ("b", 8)].map { name, width in
            TeacherTokens(
                name: name, cls: normals([4, width], seed: UInt64(width)).converted(to: dtype),
                patches: normals([4, 6, width], seed: UInt64(width) + 1).converted(to: dtype),
                projections: [normals([4, 7, 3 * width], seed: UInt64(width) + 2).converted(to: dtype)], grid: (2, 3))
        }
    }

    private func loss(_ model: DistillationModel<TinyBackbone>, _ forward: Forward) -> [LossTerm] {
        model.loss(model.views(of: Variable(images), forward), teacherTokens: teachers(), forward).terms
    }

    @Test(arguments: arms)
    func gradientIsTheSlope(_ arm: String) {
        let model = model(arm)
        // The statistics settle in one training pass; later passes leave them, with the same masks.
        _ = loss(model, Forward(mode: .training, seed: 5))
        func forward(_ tape: Tape? = nil) -> Forward { Forward(mode: .evaluation, seed: 5, tape: tape) }
        let tape = Tape()
        tape.backward(LossTerm.total(loss(model, forward(tape))))
        var checked = 0
        for parameter in model.parameters where parameter.isTrainable {
            let gradient = parameter.gradient!.doubles()
            for index in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 3)) {
                let numeric = slope(parameter, index) { LossTerm.total(loss(model, forward())).item() }
                // Where a step crosses the corner of SmoothL1, differences are off by the size of the step.
                #expect(abs(numeric - gradient[index]) < 1e-7 + 1e-4 * abs(numeric))
                checked += abs(numeric) > 1e-6 ? 1 : 0
            }
        }
        #expect(checked > 20)
        checkDirections(model.parameters, arm) { LossTerm.total(loss(model, forward($0))) }
    }

    @Test func proteusIsItsThreeParts() {
        let model = model("proteus")
        let forward = Forward(mode: .training, seed: 5)
        let views = model.views(of: Variable(images), forward)
        let terms = model.loss(views, teacherTokens: teachers(), forward).terms
        #expect(terms.map(\.name) == ["a.cls", "b.cls", "a.patch", "b.patch", "a.hidden", "b.hidden"])
        let (distance, teacher) = (DistillationLoss(), teachers()[0])
        let branch = model.teachers[0]
        let cls = branch.cls!.adapter(views.input(.cls), forward)
        let patches = branch.patch!.adapter(views.input(.patch), forward)
        let targets = (
            cls: branch.cls!.standardizer.standardized(teacher.cls, .evaluation),
            patches: branch.patch!.standardizer.standardized(teacher.patches, .evaluation)
        )
        // All seven tokens of a picture weigh the same in the second part.
        let all = distance(
            .concatenated([cls.reshaped([4, 1, 6]), patches], axis: 1),
            target: Variable.concatenated(
                [Variable(targets.cls).reshaped([4, 1, 6]), Variable(targets.patches)], axis: 1
            ).value
        ).item()
        let rows = views.hidden!.rows
        let hidden = distance(
            branch.hidden!(views.input(.hidden), forward),
            target: Variable(targets.patches.reshaped([24, 6])).gatheringRows(rows).value
        ).item()
        let expected = (distance(cls, target: targets.cls).item() + all + hidden) / 2
        let found = LossTerm.total(terms.filter { $0.name.hasPrefix("a.") }).item()
        #expect(abs(found - expected) < 1e-12)
    }

    @Test func droppedTeachersTeachNothing() {
        let model = model("proteus", fusion: .dropping(probability: 1))
        let forward = Forward(mode: .training, seed: 5)
        let (terms, diagnostics) = model.loss(
            model.views(of: Variable(images), forward), teacherTokens: teachers(), forward)
        // Every picture keeps exactly its hardest teacher: shares are 1 and 0, the same for all of its tokens.
        let shares = diagnostics.filter { $0.tokenType == .cls }.map { $0.gates!.doubles() }
        for picture in 0..<4 { #expect(Set([shares[0][picture], shares[1][picture]]) == [0, 1]) }
        let patches = diagnostics.first { $0.tokenType == .patch }!.gates!.doubles()
        #expect(patches == shares[0].flatMap { [Double](repeating: $0, count: 6) })
        #expect(terms.allSatisfy { $0.value.item().isFinite })
    }

    @Test func hiddenPatchesAreAFunctionOfTheSeed() {
        let shares = HiddenPatches(pictureShare: 0.5, patchShare: 0.5)
        let (pictures, patches) = shares.draw(pictures: 5, patches: 7, seed: 1)
        #expect(pictures.count == 2 && Set(pictures).count == 2 && pictures.allSatisfy { (0..<5).contains($0) })
        #expect(patches.allSatisfy { $0.count == 3 && Set($0).count == 3 && $0.allSatisfy { (0..<7).contains($0) } })
        let again = shares.draw(pictures: 5, patches: 7, seed: 1)
        #expect(again.pictures == pictures && again.patches == patches)
        #expect((2..<9).contains { shares.draw(pictures: 5, patches: 7, seed: $0).patches != patches })
        let least = HiddenPatches(pictureShare: 0, patchShare: 0).draw(pictures: 3, patches: 4, seed: 2)
        #expect(least.pictures.count == 1 && least.patches[0].count == 1)
    }

    @Test func aMaskedStudentDoesNotSeeWhatIsHidden() {
        let model = model("masked")
        let forward = Forward(mode: .evaluation, seed: 5)
        let before = model.views(of: Variable(images), forward).tokens
        #expect(before.patches.shape == [4, 6, 6] && before.classToken.shape == [4, 6])
        // Changing one patch of the first picture changes its tokens for three of six patches only.
        var seen = 0
        for patch in 0..<6 {
            let changed = Tensor(images.doubles(), images.shape)
            for y in 0..<4 {
                for x in 0..<4 {
                    changed.f64()[((patch / 3 * 4 + y) * 12 + patch % 3 * 4 + x) * 3] += 1
                }
            }
            let after = model.views(of: Variable(changed), forward).tokens
            if after.patches.value.doubles() != before.patches.value.doubles() { seen += 1 }
        }
        #expect(seen == 3)
    }

    @Test func theLadderIsTheSumOfItsRungs() {
        var stream = RandomStream(seed: 2, purpose: "test ladder")
        let adapter = Adapter(.ladder(hidden: 5, last: 7), studentWidth: 4, depth: 3, teacherWidth: 6, &stream)
        adapter.convertParametersToDouble()
        let blocks = (0..<3).map { Variable(normals([2, 4], seed: UInt64(60 + $0))) }
        let found = adapter(AdapterInput(last: blocks[0], blocks: blocks), .evaluation)
        let entries = Dictionary(uniqueKeysWithValues: adapter.stateEntries().map { ($0.name, Variable($0.tensor)) })
        #expect(entries["rungs.0.fc1.weight"]!.shape == [5, 4] && entries["rungs.2.fc1.weight"]!.shape == [7, 4])
        var expected = [Double](repeating: 0, count: 12)
        for (at, block) in blocks.enumerated() {
            func part(_ name: String) -> Variable { entries["rungs.\(at).\(name)"]! }
            let rung = block.linear(part("fc1.weight"), part("fc1.bias")).gelu()
                .linear(part("fc2.weight"), part("fc2.bias"))
            for (index, value) in rung.value.doubles().enumerated() { expected[index] += value }
        }
        #expect(zip(found.value.doubles(), expected).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    @Test(arguments: arms, [Fusion.consensus(temperature: 0.3), .dropping()])
    func everyArmLearns(_ arm: String, _ fusion: Fusion) {
        if arm == "maps alone" && fusion == .dropping() { return }
        let model = model(arm, fusion: fusion, isDouble: false)
        let optimizer = AdamW(ParameterGroup.decayed(model.stateEntries(), weightDecay: 0.01))
        var losses: [Double] = []
        for step in 0..<80 {
            let tape = Tape()
            let forward = Forward(mode: .training, seed: UInt64(step), tape: tape)
            optimizer.zeroGradients()
            let views = model.views(of: Variable(images.converted(to: .f32)), forward)
            let total = LossTerm.total(model.loss(views, teacherTokens: teachers(.f32), forward).terms)
            tape.backward(total)
            optimizer.step(learningRate: 1e-2)
            losses.append(total.item())
        }
        let (first, last) = (losses[5..<15].reduce(0, +), losses[70...].reduce(0, +))
        #expect(last < 0.9 * first)
    }
}
