import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// A backbone with its prototype head: student or teacher.
public final class PrototypeEncoder<Encoder: TokenBackbone>: Layer {
    public let encoder: Encoder
    let head: PrototypeHead

    public init(encoder: Encoder, hidden: Int, bottleneck: Int, prototypes: Int, batchNorm: Bool, seed: UInt64) {
        var stream = RandomStream(seed: seed, purpose: "ibot head")
        self.encoder = encoder
        head = PrototypeHead(
            width: encoder.width, hidden: hidden, bottleneck: bottleneck, prototypes: prototypes, batchNorm: batchNorm,
            &stream)
    }

    public static var slots: [Slot<PrototypeEncoder>] { [.layer("encoder", \.encoder), .layer("head", \.head)] }
}

/// The settings of iBOT's losses.
public struct IBOTConfiguration: Sendable {
    public var prototypes = 256
    public var balance = TargetBalance.centering
    public var studentTemperature = 0.1
    public var teacherTemperature = 0.04
    /// The largest share of a global crop's patches that is masked; each picture draws its share below it.
    public var maskRatio = 0.5
    /// The share of pictures that are masked at all.
    public var maskProbability = 0.5
    public var patchWeight = 1.0

    public init() {}
}

/// Self-distillation on class tokens across views and on masked patches within a view.
///
///     L = L_cls + λ L_patch,   L_cls = mean over pairs of views H(P_t(u), P_s(v)),  v ≠ u
///     L_patch = mean over masked patches of H(P_t(u)_i, P_s(û)_i)
///
/// The student sees two masked global crops and the local crops, the teacher the two global crops; both share one head
/// for class and patch tokens.
/// - Source: Zhou et al. 2022, arXiv:2111.07832, eqs. 2–3 and its code.
public final class IBOT<Encoder: TokenBackbone>: Layer {
    public let student: PrototypeEncoder<Encoder>
    public let teacher: PrototypeEncoder<Encoder>
    let maskToken: Parameter
    let classBalancer: TargetBalancer
    let patchBalancer: TargetBalancer
    private let average: MovingAverage
    private let configuration: IBOTConfiguration

    public init(
        student: PrototypeEncoder<Encoder>, teacher: PrototypeEncoder<Encoder>, configuration: IBOTConfiguration
    ) {
        self.student = student
        self.teacher = teacher
        self.configuration = configuration
        maskToken = Parameter(.zeros([1, student.encoder.width]))
        classBalancer = TargetBalancer(prototypes: configuration.prototypes, balance: configuration.balance)
        patchBalancer = TargetBalancer(prototypes: configuration.prototypes, balance: configuration.balance)
        average = MovingAverage(teacher, following: student)
    }

    public static var slots: [Slot<IBOT>] {
        [
            .layer("student", \.student), .layer("teacher", \.teacher), .parameter("masked_embed", \.maskToken),
            .layer("center", \.classBalancer), .layer("center2", \.patchBalancer),
        ]
    }

    /// - Parameters:
    ///   - globals: two views `(N, H, W, 3)`.
    ///   - locals: smaller views of the same pictures, all of one size.
    ///   - teacherTemperature: of this step; `nil` takes the configuration's.
    public func loss(
        globals: [Variable], locals: [Variable], teacherTemperature: Double? = nil, _ forward: Forward
    ) -> [LossTerm] {
        precondition(globals.count == 2, "iBOT: \(globals.count) global views, 2 needed")
        let pictures = globals[0].shape[0]
        let temperature = teacherTemperature ?? configuration.teacherTemperature
        let both = Variable.concatenated(globals, axis: 0)
        let width = student.encoder.width
        // The teacher's batch norms see the batch, as the student's do.
        let quiet = Forward(mode: .training, seed: forward.seed)
        let shown = teacher.encoder.tokens(of: both, quiet)
        let count = shown.patches.shape[1]
        let masks = (0..<2 * pictures).map { view in
            var stream = RandomStream(seed: forward.seed, purpose: "ibot mask", UInt64(view))
            guard stream.chance(configuration.maskProbability) else { return [Int32]() }
            let ratio = stream.uniform(0.1...configuration.maskRatio)
            return BlockMask.draw(grid: shown.grid, count: Int((Double(count) * ratio).rounded()), &stream)
        }
        let rows = masks.enumerated().flatMap { view, list in list.map { Int32(view * count) + $0 } }
        // One head for all tokens, but each kind goes through it alone: class tokens differ little from picture to
        // picture, and a batch norm that sees them beside patches would scale those differences away.
        let hidden = student.encoder.tokens(
            of: both, TokenRequest(masked: (masks, forward(maskToken))), forward)
        let score = { [self] (rows: Variable) in
            student.head(rows, forward).scaled(by: 1 / configuration.studentTemperature)
        }
        let classTargets = classBalancer.targets(
            teacher.head(shown.classToken, quiet).value, temperature: temperature)
        let local =
            locals.isEmpty
            ? nil : score(student.encoder.tokens(of: .concatenated(locals, axis: 0), forward).classToken)
        var terms = [
            LossTerm(name: "cls", value: classPairs(score(hidden.classToken), local, classTargets, pictures: pictures))
        ]
        if !rows.isEmpty {
            let masked = { (tokens: Tokens) in tokens.patches.reshaped([-1, width]).gatheringRows(rows) }
            let targets = patchBalancer.targets(teacher.head(masked(shown), quiet).value, temperature: temperature)
            // Each masked picture counts the same, however many of its patches are hidden.
            let weights = masks.flatMap { [Float](repeating: 1 / Float(max($0.count, 1)), count: $0.count) }
            let patches = score(masked(hidden)).softCrossEntropy(targets: targets, rowWeights: weights)
            terms.append(LossTerm(name: "patch", value: patches, weight: configuration.patchWeight))
        }
        return terms
    }

    /// The mean over all (teacher view, other student view) pairs.
    ///
    /// - Parameters:
    ///   - globals: scores `(2N, K)` of the two global views, `locals`: `(LN, K)` of the local ones.
    private func classPairs(_ globals: Variable, _ locals: Variable?, _ targets: Tensor, pictures: Int) -> Variable {
        func view(_ index: Int) -> Range<Int> { index * pictures..<(index + 1) * pictures }
        let targetViews = (0..<2).map { targets.rows(view($0)) }
        var pairs = (0..<2).map { globals.sliced(axis: 0, view(1 - $0)).softCrossEntropy(targets: targetViews[$0]) }
        if let locals {
            for local in 0..<locals.shape[0] / pictures {
                pairs += targetViews.map { locals.sliced(axis: 0, view(local)).softCrossEntropy(targets: $0) }
            }
        }
        return .weightedSum(pairs.map { ($0, 1 / Double(pairs.count)) })
    }

    /// To be called after each optimizer step.
    public func updateTeacher(_ decay: Double) { average.update(decay: decay) }
}
