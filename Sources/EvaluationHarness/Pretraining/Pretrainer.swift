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
        let plan = plan
        loop.batch = { plan.batch(step: $0).indices }
        configure(&loop)
        switch settings.method {
        case .mae: return try runMAE(loop)
        case .mocov3: return try runMoCo(loop)
        case .ibot: return try runIBOT(loop)
        }
    }

    private var plan: EpochPlan {
        EpochPlan(sampleCount: pictures.count, batchSize: settings.batchSize, seed: settings.seed, dropsLast: true)
    }

    /// Random views of one purpose.
    private struct Drawing: Sendable {
        var maker: ViewMaker
        var purpose: String
    }

    private func drawing(_ framing: ViewFraming, _ purpose: String, colour: Bool = true) -> Drawing {
        Drawing(maker: ViewMaker(framing, colour: colour ? settings.colour : nil), purpose: purpose)
    }

    /// The views of all steps: for each picture of a batch, one of each drawing.
    private func views(_ drawings: [Drawing], from firstStep: Int) -> BatchesAhead<[Picture]> {
        let plan = plan
        let (pictures, seed) = (pictures, settings.seed)
        return BatchesAhead(
            from: firstStep, steps: settings.steps, items: { plan.batch(step: $0).indices }
        ) { step, place, index in
            drawings.map {
                $0.maker.view(pictures[index], seed: seed, purpose: $0.purpose, step: step, place: place)
            }
        }
    }

    /// Network input `(N, size, size, 3)` of each drawing.
    private func images(_ step: Int, of batches: BatchesAhead<[Picture]>) throws -> [Tensor] {
        let views = try batches.batch(step).views
        return views[0].indices.map { drawing in Normalisation.imageNet.batch(views.map { $0[drawing] }) }
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
        let batches = views([drawing(settings.views, "mae view", colour: false)], from: loop.firstStep)
        defer { batches.stop() }
        return try loop.run(optimizer(model), of: model) { step, forward in
            let images = try images(step, of: batches)[0]
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
        let names = ["moco view 1", "moco view 2"]
        let batches = views(names.map { drawing(settings.views, $0) }, from: loop.firstStep)
        defer { batches.stop() }
        return try loop.run(optimizer(model), of: model) { step, forward in
            let pair = zip(names, try images(step, of: batches)).map { name, images in
                ContrastiveView(images, mosaic: mosaic(name, step: step))
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
        let batches = views(
            (0..<2).map { drawing(settings.views, "ibot global \($0)") }
                + (0..<settings.localViews).map { drawing(settings.local, "ibot local \($0)") }, from: loop.firstStep)
        defer { batches.stop() }
        return try loop.run(optimizer(model), of: model) { step, forward in
            let images = try images(step, of: batches).map { Variable($0) }
            return model.loss(
                globals: Array(images.prefix(2)), locals: Array(images.dropFirst(2)),
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
