import Autograd
import Determinism
import Distillation
import NeuralLayers
import TensorCore
import VisionBackbones

/// A ViT with a linear classifier on its class token, as timm's models are. Names: timm's.
final class BenchmarkClassifier: Layer {
    let backbone: VisionTransformer
    let head: Linear

    init(_ configuration: ViTConfiguration, classCount: Int, seed: UInt64) {
        backbone = VisionTransformer(configuration, seed: seed)
        var stream = RandomStream(seed: seed, purpose: "benchmark classifier")
        head = Linear(configuration.width, classCount, &stream)
    }

    static var slots: [Slot<BenchmarkClassifier>] { [.layer("backbone", \.backbone), .layer("head", \.head)] }

    /// Logits `(N, K)`.
    func callAsFunction(_ images: Variable, _ forward: Forward) -> Variable {
        head(backbone.tokens(of: images, forward).classToken, forward)
    }
}

/// A student that imitates the last tokens of three frozen ViT-B, class token and patches alike, through one linear
/// layer a teacher.
final class BenchmarkDistillation: Layer {
    let student: VisionTransformer
    let adapters: [Linear]
    let teachers: [Teacher]
    private let loss = DistillationLoss()

    static let teacherCount = 3

    /// - Parameter teacher: the teachers' shape, at the student's picture size.
    init(student: ViTConfiguration, teacher: ViTConfiguration, bf16: Bool, seed: UInt64) {
        self.student = VisionTransformer(student, seed: seed)
        var stream = RandomStream(seed: seed, purpose: "benchmark adapters")
        adapters = (0..<Self.teacherCount).map { _ in Linear(student.width, teacher.width, &stream) }
        teachers = (0..<Self.teacherCount).map {
            Teacher(name: "teacher\($0)", VisionTransformer(teacher, seed: seed &+ 1 &+ UInt64($0)), bf16: bf16)
        }
    }

    /// The trained part: teachers are frozen and no state of it.
    static var slots: [Slot<BenchmarkDistillation>] {
        [.layer("student", \.student), .layers("adapters", \.adapters)]
    }

    /// The loss on given targets, or on what the teachers say of the pictures now.
    func callAsFunction(_ images: Tensor, targets given: [TeacherTokens]? = nil, _ forward: Forward) -> Variable {
        let targets = (given ?? teachers.map { $0.tokens(of: images) }).map { tokens in
            Self.sequence(
                Variable(tokens.cls.converted(to: .f32)), Variable(tokens.patches.converted(to: .f32)))
        }
        let tokens = student.tokens(of: Variable(images), forward)
        let sequence = Self.sequence(tokens.classToken, tokens.patches)
        let terms = zip(adapters, targets).map { adapter, target in
            (loss(adapter(sequence, forward), target: target.value), 1 / Double(Self.teacherCount))
        }
        return .weightedSum(terms)
    }

    /// `(N, 1 + T, C)`.
    private static func sequence(_ classToken: Variable, _ patches: Variable) -> Variable {
        let (pictures, width) = (classToken.shape[0], classToken.shape[1])
        return .concatenated([classToken.reshaped([pictures, 1, width]), patches], axis: 1)
    }
}
