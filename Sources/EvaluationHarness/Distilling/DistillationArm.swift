import Determinism
import Distillation
import NeuralLayers
import SafeFiles
import VisionBackbones

/// Which tokens of the teachers are targets, how they are standardised, and the distance to them.
public struct DistillationTargets: Sendable {
    public var tokens = TokenSelection.both
    public var standardization = TargetStandardization.zScore()
    public var loss = DistillationLoss()
    /// Of `TokenSelection.proteus`.
    public var hidden = HiddenPatches()

    public init() {}

    /// Reads the section `targets` of a recipe.
    init(_ reader: RecipeReader) throws(DataError) {
        tokens = try reader.choice("tokens", default: .both)
        standardization = try Self.standardization(reader)
        loss.cosineWeight = try reader.double("cosine_weight", in: 0...10, default: 0)
        loss.smoothL1Weight = try reader.double("smooth_l1_weight", in: 0...10, default: 0)
        loss.beta = try reader.double("smooth_l1_beta", in: 0...100, default: 1)
        loss.mseWeight = try reader.double("mse_weight", in: 0...10, default: 0)
        loss.klWeight = try reader.double("kl_weight", in: 0...10, default: 0)
        loss.klTemperature = try reader.double("kl_temperature", in: 1e-3...1000, default: 1)
        guard loss.cosineWeight + loss.smoothL1Weight + loss.mseWeight + loss.klWeight > 0 else {
            throw reader.refused(
                "cosine_weight", expected: "at least one weight above 0", found: "all 0", "give one of the weights")
        }
        if tokens == .proteus, let map = try reader.optionalMap("hidden") {
            hidden = HiddenPatches(
                pictureShare: try map.double("pictures", in: 0...1), patchShare: try map.double("patches", in: 0...1))
        }
    }

    private enum Standardization: String, CaseIterable { case none, layer_norm, phi_s, z_score }

    private static func standardization(_ reader: RecipeReader) throws(DataError) -> TargetStandardization {
        switch try reader.choice("standardization", default: Standardization.z_score) {
        case .none: .none
        case .layer_norm: .layerNorm
        case .phi_s: .phiS(batches: try reader.int("phi_s_batches", in: 1...1_000_000, default: 100))
        case .z_score: .zScore(relativeFloor: try reader.double("relative_floor", in: 0...10, default: 0.1))
        }
    }
}

extension AdapterKind {
    private enum Name: String, CaseIterable { case linear, mlp, ladder }

    /// Reads the section `adapter` of a recipe; `linear` where there is none.
    init(_ reader: RecipeReader?) throws(DataError) {
        guard let reader else {
            self = .linear
            return
        }
        switch try reader.choice("kind", default: Name.linear) {
        case .linear: self = .linear
        case .mlp: self = .mlp(hidden: try reader.int("hidden", in: 1...65_536))
        case .ladder:
            self = .ladder(
                hidden: try reader.int("hidden", in: 1...65_536), last: try reader.int("last", in: 1...65_536))
        }
    }
}

extension RelationTarget {
    private enum Name: String, CaseIterable { case qkvv, attention_maps }

    /// Reads the section `relation` of a recipe.
    init(_ reader: RecipeReader) throws(DataError) {
        let kind: AttentionRelation.Kind =
            try reader.choice("kind") == Name.qkvv ? .qkvv : .attentionMaps
        self.init(
            kind, studentBlock: try reader.int("student_block", in: 0...255),
            teacherBlock: try reader.int("teacher_block", in: 0...255),
            weight: try reader.double("weight", in: 0...1000, default: 1))
    }
}

/// A student that sees a part of the patches in training.
public struct MaskedStudent: Sendable, Equatable {
    /// The share of patches it does not see.
    public var ratio: Double
    public var decoderWidth: Int
    public var decoderDepth: Int
    public var decoderHeads: Int

    /// Reads the section `masking` of a recipe.
    init(_ reader: RecipeReader) throws(DataError) {
        ratio = try reader.double("ratio", in: 0.01...0.99)
        decoderWidth = try reader.int("decoder_width", in: 4...65_536)
        decoderDepth = try reader.int("decoder_depth", in: 0...1000)
        decoderHeads = try reader.int("decoder_heads", in: 1...1000)
        guard decoderWidth % 4 == 0, decoderWidth % decoderHeads == 0 else {
            throw reader.refused(
                "decoder_width", expected: "a multiple of 4 and of the \(decoderHeads) heads",
                found: "\(decoderWidth)", "change width or heads")
        }
    }

    func masking(of student: ViTConfiguration, seed: UInt64) -> StudentMasking {
        let side = student.imageSize / student.patchSize
        var stream = RandomStream(seed: seed, purpose: "decoder of the student")
        return StudentMasking(
            ratio: ratio,
            decoder: MaskDecoder(
                encoderWidth: student.width,
                positions: VisionTransformer.sinCosTable(height: side, width: side, channels: decoderWidth),
                depth: decoderDepth, heads: decoderHeads, &stream))
    }
}

extension DistillationSettings {
    /// - Throws: `.configuration` for a teacher whose width or heads the recipe's targets cannot take.
    func assertTakes(_ teacher: TeacherEntry, _ shape: ViTConfiguration) throws(DataError) {
        func refused(_ expected: String, _ found: String, _ remedy: String) -> DataError {
            DataError(
                .configuration, file: teacher.file, record: "teacher '\(teacher.name)'", expected: expected,
                found: found, remedy: remedy)
        }
        if shape.patchSize != student.patchSize {
            throw refused(
                "the student's patch size, \(student.patchSize)", "\(shape.patchSize)",
                "choose a teacher or a student.patch_size so that their patches lie on one grid")
        }
        if case .phiS = targets.standardization, !HadamardMatrix.exists(order: shape.width) {
            throw refused(
                "a width that PHI-S has a Hadamard matrix for", "\(shape.width)",
                "choose another targets.standardization")
        }
        guard let relation else { return }
        let heads = (student.headCount, shape.headCount)
        guard
            AttentionRelation.fits(
                relation.kind, studentHeads: heads.0, teacherHeads: heads.1, studentWidth: student.width,
                teacherWidth: shape.width), relation.teacherBlock < shape.depth, relation.studentBlock < student.depth
        else {
            throw refused(
                "blocks and heads that the relation can compare",
                "block \(relation.teacherBlock) of \(shape.depth) with \(heads.1) heads, student block "
                    + "\(relation.studentBlock) of \(student.depth), width \(student.width)",
                "name blocks from 0; the student's width must be a multiple of the teacher's heads for qkvv")
        }
    }

    /// - Throws: for parts of a recipe that do not go together.
    func assertComposable(_ reader: RecipeReader) throws(DataError) {
        if targets.tokens == .none, relation == nil || fusion == .dropping {
            throw reader.refused(
                "targets.tokens", expected: "tokens, or a relation with another fusion than dropping", found: "none",
                "choose cls, patches, both or proteus, or add a section relation")
        }
        guard masking != nil else { return }
        if relation != nil {
            throw reader.refused(
                "masking", expected: "no relation beside it", found: "a section relation",
                "teacher and student would relate different tokens: leave one out")
        }
        if adapter.needsBlocks {
            throw reader.refused(
                "masking", expected: "no ladder beside it", found: "adapter.kind ladder",
                "a masked student's tokens come from its decoder: choose linear or mlp")
        }
        if targets.tokens == .proteus {
            throw reader.refused(
                "masking", expected: "targets.tokens cls, patches or both", found: "proteus",
                "Proteus hides patches in a pass of its own: leave masking out")
        }
    }
}
