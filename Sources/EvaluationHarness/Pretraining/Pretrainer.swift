import Autograd
import DenseData
import Determinism
import Foundation
import ImageFiles
import NeuralLayers
import SelfSupervision
import TensorCore
import VisionBackbones

/// Trains a small self-supervised teacher on unlabelled pictures.
public struct Pretrainer {
    public let settings: PretrainingSettings
    /// The teacher to be: random values before `run`, where the training stands when that throws.
    public let encoder: VisionTransformer
    /// All training pictures, decoded.
    private let pictures: [Picture]

    public init(settings: PretrainingSettings, pictures: [Picture]) {
        self.settings = settings
        self.pictures = pictures
        encoder = VisionTransformer(settings.backbone, seed: settings.seed)
    }

    /// Trains the encoder.
    ///
    /// - Throws: `DivergenceError`, `TrainingInterrupted`.
    public func run(configure: (inout TrainingLoop) -> Void = { _ in }) throws -> TrainingHistory {
        var loop = TrainingLoop(
            schedule: Schedule(
                .cosine, base: settings.learningRate, final: settings.learningRate / 100,
                warmupSteps: settings.warmupSteps, totalSteps: settings.steps),
            clipNorm: settings.clipNorm, seed: settings.seed)
        configure(&loop)
        switch settings.method {
        case .mae: return try runMAE(loop)
        case .mocov3: return try runMoCo(loop)
        case .ibot: return try runIBOT(loop)
        }
    }

    private func batch(_ step: Int) -> [Picture] {
        let plan = EpochPlan(
            sampleCount: pictures.count, batchSize: settings.batchSize, seed: settings.seed, dropsLast: true)
        return plan.batch(step: step).indices.map { pictures[$0] }
    }

    private func views(
        _ framing: ViewFraming, of pictures: [Picture], _ purpose: String, step: Int, colour: Bool = true
    ) -> Tensor {
        let maker = ViewMaker(framing, colour: colour ? settings.colour : nil)
        return maker.batch(pictures, seed: settings.seed, purpose: purpose, step: step)
    }

    private func optimizer(_ layer: some Layer) -> AdamW {
        AdamW(ParameterGroup.decayed(layer.stateEntries(), weightDecay: settings.weightDecay), betas: (0.9, 0.95))
    }

    private func runMAE(_ loop: TrainingLoop) throws -> TrainingHistory {
        let side = settings.views.size / settings.backbone.patchSize
        let model = MaskedAutoencoder(
            encoder: encoder,
            positions: VisionTransformer.sinCosTable(height: side, width: side, channels: settings.decoderWidth),
            decoderWidth: settings.decoderWidth, decoderDepth: settings.decoderDepth,
            decoderHeads: max(1, settings.decoderWidth / 32), seed: settings.seed)
        return try loop.run(optimizer(model)) { step, forward in
            let images = views(settings.views, of: batch(step), "mae view", step: step, colour: false)
            return model.loss(images: Variable(images), maskRatio: settings.maskRatio, forward)
        }
    }

    private func runMoCo(_ loop: TrainingLoop) throws -> TrainingHistory {
        let make = { (encoder: VisionTransformer) in
            ContrastiveEncoder(
                encoder: encoder, hidden: settings.hiddenWidth, output: settings.outputWidth,
                pooling: settings.pooling, seed: settings.seed)
        }
        let model = MoCoV3(
            base: make(encoder), momentum: make(VisionTransformer(settings.backbone, seed: settings.seed)),
            hidden: settings.hiddenWidth, output: settings.outputWidth, temperature: settings.temperature,
            frozenPatchProjection: encoder.patchEmbedding.parameters, seed: settings.seed)
        return try loop.run(optimizer(model)) { step, forward in
            let pictures = batch(step)
            let pair = ["moco view 1", "moco view 2"].map { name in
                ContrastiveView(
                    views(settings.views, of: pictures, name, step: step), mosaic: mosaic(name, step: step))
            }
            return model.loss(pair[0], pair[1], forward)
        } afterStep: { step in
            model.updateMomentum(rising(from: settings.momentum, step))
        }
    }

    private func mosaic(_ name: String, step: Int) -> Mosaic? {
        guard let canvas = settings.canvasSide else { return nil }
        var stream = RandomStream(seed: settings.seed, purpose: "\(name) mosaic", UInt64(step))
        return Mosaic(views: settings.batchSize, viewsPerSide: canvas / settings.views.size, &stream)
    }

    private func runIBOT(_ loop: TrainingLoop) throws -> TrainingHistory {
        // As in the reference, the averaged network is the result.
        let encoders = [VisionTransformer(settings.backbone, seed: settings.seed), encoder].map {
            PrototypeEncoder(
                encoder: $0, hidden: settings.hiddenWidth,
                bottleneck: settings.bottleneck, prototypes: settings.ibot.prototypes,
                batchNorm: settings.batchNormInHead, seed: settings.seed)
        }
        let model = IBOT(student: encoders[0], teacher: encoders[1], configuration: settings.ibot)
        return try loop.run(optimizer(model)) { step, forward in
            let pictures = batch(step)
            func draw(_ framing: ViewFraming, _ name: String, _ count: Int) -> [Variable] {
                (0..<count).map { Variable(views(framing, of: pictures, "ibot \(name) \($0)", step: step)) }
            }
            return model.loss(
                globals: draw(settings.views, "global", 2), locals: draw(settings.local, "local", settings.localViews),
                teacherTemperature: teacherTemperature(step), forward)
        } afterStep: { step in
            model.updateTeacher(rising(from: settings.momentum, step))
        }
    }

    /// A momentum that rises to 1 along a half cosine.
    private func rising(from start: Double, _ step: Int) -> Double {
        1 - (1 - start) * 0.5 * (1 + cos(Double.pi * Double(step) / Double(settings.steps)))
    }

    private func teacherTemperature(_ step: Int) -> Double {
        let (start, end) = (settings.teacherTemperatureStart, settings.ibot.teacherTemperature)
        let share = min(1, Double(step) / Double(max(settings.teacherTemperatureWarmupSteps, 1)))
        return start + (end - start) * share
    }
}
