import Autograd
import Determinism
import Distillation
import NeuralLayers
import TensorCore
import VisionBackbones

/// What a recipe costs on this machine, from real steps on blank pictures: no checkpoint and no data are needed.
///
/// The networks have their true sizes. Memory follows from steps of one and of two pictures: what grows with the batch and
/// what does not. Time is that of a step of as many pictures as the recipe takes at a time, at most `timedPictures`.
public struct DistillationCost: Sendable {
    static let timedPictures = 16
    /// Of student and adapters, for one picture.
    public var trainingSeconds: Double
    /// Of all teachers together, for one picture.
    public var teacherSeconds: Double
    /// Weights, gradients and moments.
    public var fixedBytes: Int
    /// What a step holds for one picture.
    public var pictureBytes: Int

    /// - Parameters:
    ///   - teachers: name and shape of each.
    ///   - times: whether steps of the recipe's size are timed; else times are those of a step of two pictures.
    public static func measure(
        _ settings: DistillationSettings, teachers: [(name: String, shape: ViTConfiguration)], times: Bool = true
    ) -> DistillationCost {
        let frozen = teachers.map { Teacher(name: $0.name, VisionTransformer($0.shape, seed: nil)) }
        let student = VisionTransformer(settings.student, seed: settings.seed)
        let model = settings.model(of: student, teachers: frozen)
        let optimizer = settings.optimizer(of: model)
        let fixed = frozen.reduce(model.stateBytes + optimizer.heldBytes) { $0 + $1.backbone.stateBytes }
        let clock = ContinuousClock()
        func step(_ pictures: Int) -> (teachers: Double, training: Double) {
            let side = settings.viewSide
            let images = Tensor.full([pictures, side, side, 3], 0.5)
            var tokens: [TeacherTokens] = []
            let watching = clock.measure {
                tokens = frozen.map { $0.tokens(of: images, projections: model.teacherProjections) }
            }
            let learning = clock.measure {
                let tape = Tape()
                optimizer.zeroGradients()
                let forward = Forward(
                    mode: .training, seed: settings.seed, tape: tape, bf16: settings.precision == .bf16,
                    checkpointedBlocks: settings.checkpointedBlocks)
                let terms = model.loss(model.views(of: Variable(images), forward), teacherTokens: tokens, forward).terms
                tape.backward(LossTerm.total(terms))
                optimizer.step(learningRate: 0)
            }
            return (watching.seconds, learning.seconds)
        }
        var (count, timed) = (2, (teachers: 0.0, training: 0.0))
        let memory = StepMemory { timed = step($0) }
        if times {
            count = min(settings.microBatch ?? settings.batchSize, timedPictures)
            _ = step(count)
            timed = step(count)
        }
        return DistillationCost(
            trainingSeconds: timed.training / Double(count), teacherSeconds: timed.teachers / Double(count),
            fixedBytes: fixed + memory.base, pictureBytes: memory.perPicture)
    }
}
