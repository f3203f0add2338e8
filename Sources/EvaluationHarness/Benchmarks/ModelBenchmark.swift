import Autograd
import DenseData
import Determinism
import Distillation
import Foundation
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// Times steps of a ViT, alone or under a head, with random weights on random pictures.
public struct ModelBenchmark: Sendable {
    /// The shapes that can be timed, by name.
    public typealias Architectures = ViTVariants

    public enum Pass: String, Sendable, CaseIterable {
        /// Logits of a 1000-way classifier; the predictions of a detector or a segmenter.
        case forward
        /// Forward, cross-entropy over 1000 classes or the head's own losses, backward, AdamW.
        case train
        /// Three frozen ViT-B forward, then a training step of the student on all their tokens: one linear layer a
        /// teacher, cosine and SmoothL1, backward, AdamW.
        case distill
        /// The same student's step on tokens that a file of features gives: no teacher runs.
        case distillCached = "distill-cached"
    }

    /// What stands on the ViT.
    public enum Head: String, Sendable, CaseIterable {
        /// A linear layer on the class token.
        case classifier
        /// The detector of the recipe `detect-coco-640`.
        case maskRCNN = "mask-rcnn"
        /// The decoder of the recipe `segment-ade20k-512`, 512 channels wide.
        case upernet
    }

    public typealias Precision = ProductPrecision

    public static let classCount = 1000
    public static let warmupSteps = 2

    public var variant: ViTVariant
    public var head: Head
    public var pass: Pass
    public var precision: Precision
    public var batchSize: Int
    public var imageSize: Int
    /// Steps that are timed, after the warm-up.
    public var steps: Int
    /// Training keeps only the input of so many blocks.
    public var checkpointedBlocks = 0
    public var seed: UInt64
    /// Of the recipe of a dense head.
    var overrides: [String]

    /// - Throws: `.configuration` for counts below 1, a size that the patch does not divide, and distillation under a
    ///   dense head.
    public init(
        _ variant: ViTVariant, head: Head = .classifier, pass: Pass, precision: Precision = .f32, batchSize: Int = 8,
        imageSize: Int = 224,
        steps: Int = 10, seed: UInt64 = 0
    ) throws(DataError) {
        let patch = variant.configuration.patchSize
        guard imageSize >= patch, imageSize % patch == 0, batchSize >= 1, steps >= 1 else {
            throw DataError(
                .configuration, file: "options",
                expected: "a batch and steps of at least 1 and a size that is a multiple of \(patch)",
                found: "batch \(batchSize), steps \(steps), image \(imageSize)", remedy: "choose other values")
        }
        guard head == .classifier || pass == .forward || pass == .train else {
            throw DataError(
                .configuration, file: "options", expected: "forward or train under \(head.rawValue)",
                found: pass.rawValue, remedy: "choose another pass")
        }
        self.variant = variant
        self.head = head
        self.pass = pass
        self.precision = precision
        self.batchSize = batchSize
        self.imageSize = imageSize
        self.steps = steps
        self.seed = seed
        overrides = head == .upernet ? ["head.channels=512"] : []
    }

    /// Floating-point operations of a step by the rule of `ViTConfiguration.flops`; a training step counts three times
    /// its forward pass. Nil under a dense head, where they are counted while a step runs.
    public var flopsPerStep: Double? {
        if head != .classifier { return nil }
        let own = configuration(variant)
        let batch = Double(batchSize)
        switch pass {
        case .forward: return batch * own.flops(classCount: Self.classCount)
        case .train: return 3 * batch * own.flops(classCount: Self.classCount)
        case .distillCached: return 3 * batch * (own.flops() + adapterFlops)
        case .distill:
            let teacher = configuration(Self.teacher)
            return batch
                * (Double(BenchmarkDistillation.teacherCount) * teacher.flops() + 3 * (own.flops() + adapterFlops))
        }
    }

    /// Of one picture's way through the linear layers to the teachers.
    private var adapterFlops: Double {
        let (own, teacher) = (configuration(variant), configuration(Self.teacher))
        let side = Double(imageSize / own.patchSize)
        return 2 * (1 + side * side) * Double(own.width * teacher.width * BenchmarkDistillation.teacherCount)
    }

    private static var teacher: ViTVariant { ViTVariants.named("vit-base")! }

    private func configuration(_ variant: ViTVariant) -> ViTConfiguration {
        var configuration = variant.configuration
        configuration.imageSize = imageSize
        return configuration
    }

    /// Runs warm-up and timed steps, then measures the peak of one core.
    ///
    /// - Parameter onStep: called after every step, warm-up included.
    /// - Throws: `.cannotWrite`, `.diskFull` where features cannot be kept in a temporary folder; what building a detector or
    ///   a segmenter throws.
    public func run(onStep: () -> Void = {}) throws -> ModelTiming {
        let step = try makeStep()
        var counted = 0
        for _ in 0..<Self.warmupSteps {
            counted = ProductCount.flops(of: step)
            onStep()
        }
        let clock = BenchmarkClock()
        var (seconds, cpuSeconds) = ([Double](), [Double]())
        for _ in 0..<steps {
            let spent = clock.measure(step)
            seconds.append(spent.wall)
            cpuSeconds.append(spent.cpu)
            onStep()
        }
        return ModelTiming(
            benchmark: self, threads: Parallel.threadCount, secondsPerStep: seconds,
            peakGigaflopsPerCore: Kernels.measuredPeak() * 1e-9, memory: .peak, countedFlops: Double(counted),
            cpuSecondsPerStep: cpuSeconds)
    }

    private func makeStep() throws -> () -> Void {
        var stream = RandomStream(seed: seed, purpose: "benchmark pictures")
        let count = batchSize * imageSize * imageSize * 3
        let images = Tensor((0..<count).map { _ in Float(stream.normal()) }, [batchSize, imageSize, imageSize, 3])
        let isRounded = precision == .bf16
        let evaluation = Forward(mode: .evaluation, bf16: isRounded)
        switch head {
        case .classifier: break
        case .maskRCNN:
            let work = try BenchmarkDetection(
                configuration(variant), images: images, overrides: overrides, seed: seed)
            return pass == .forward ? { work.predict(evaluation) } : training(work.model, work.loss)
        case .upernet:
            let work = try BenchmarkSegmentation(
                configuration(variant), images: images, overrides: overrides, seed: seed)
            return pass == .forward ? { work.predict(evaluation) } : training(work.model, work.loss)
        }
        switch pass {
        case .forward:
            let model = BenchmarkClassifier(configuration(variant), classCount: Self.classCount, seed: seed)
            return { _ = model(Variable(images), evaluation) }
        case .train:
            let model = BenchmarkClassifier(configuration(variant), classCount: Self.classCount, seed: seed)
            let labels = (0..<batchSize).map { _ in Int32(stream.int(below: Self.classCount)) }
            return training(model) { model(Variable(images), $0).crossEntropy(labels: labels) }
        case .distill:
            let model = BenchmarkDistillation(
                student: configuration(variant), teacher: configuration(Self.teacher), bf16: isRounded, seed: seed)
            return training(model) { model(images, $0) }
        case .distillCached:
            let model = BenchmarkDistillation(
                student: configuration(variant), teacher: configuration(Self.teacher), bf16: isRounded, seed: seed)
            let (caches, ids) = (try cached(model.teachers, images), Array(0..<batchSize))
            let (names, views) = (model.teachers.map(\.name), ids.map { _ in PictureView.original })
            return training(model) { forward in
                // Files that were sound at the first step stay so: they are nobody else's.
                model(images, targets: try! caches.tokens(names, ids: ids, views: views), forward)
            }
        }
    }

    /// The teachers' tokens of a batch in files that nothing names any more.
    private func cached(_ teachers: [Teacher], _ images: Tensor) throws -> TeacherCaches {
        let pictures = (0..<batchSize).map { index in
            Normalisation.imageNet.picture(
                height: imageSize, width: imageSize, from: images.rows(index..<index + 1).f32())
        }
        let folder = NSTemporaryDirectory() + "dmt-features-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let caches = try TeacherCaches(
            teachers, pictures: pictures, place: .folder(folder, storage: .bf16, checkpoints: [:]))
        try caches.fill(teachers, pictures: pictures)
        return caches
    }

    private func training(_ model: some Layer, _ loss: @escaping (Forward) -> Variable) -> () -> Void {
        let optimizer = AdamW(ParameterGroup.decayed(model.stateEntries(), weightDecay: 0.05))
        let (isRounded, checkpointed) = (precision == .bf16, checkpointedBlocks)
        return {
            let tape = Tape()
            optimizer.zeroGradients()
            tape.backward(
                loss(
                    Forward(mode: .training, tape: tape, bf16: isRounded, checkpointedBlocks: checkpointed)))
            optimizer.step(learningRate: 1e-4)
        }
    }
}
