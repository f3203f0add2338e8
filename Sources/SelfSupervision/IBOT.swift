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
    ///   - globals: two views of the same pictures; on mosaics the mean of a view's patch tokens takes the class token's
    ///     place.
    ///   - locals: smaller views of the same pictures.
    ///   - teacherTemperature: of this step; `nil` takes the configuration's.
    public func loss(
        globals: [ViewBatch], locals: [ViewBatch], pooling: ViewPooling = .classToken,
        teacherTemperature: Double? = nil,
        _ forward: Forward
    ) -> [LossTerm] {
        precondition(globals.count == 2, "iBOT: \(globals.count) global views, 2 needed")
        let temperature = teacherTemperature ?? configuration.teacherTemperature
        // The teacher's batch norms see the batch, as the student's do.
        let quiet = Forward(mode: .training, seed: forward.seed)
        var (shownSummaries, hiddenSummaries): ([Variable], [Variable]) = ([], [])
        var (shownPatches, hiddenPatches): ([Variable], [Variable]) = ([], [])
        var weights: [Float] = []
        for (index, view) in globals.enumerated() {
            let images = Variable(view.images)
            let shown = teacher.encoder.tokens(of: images, quiet)
            let masks = masks(view, number: index, grid: shown.grid, seed: forward.seed)
            let hidden = student.encoder.tokens(
                of: images, visible: nil, masked: (masks.patches, forward(maskToken)), taps: [], forward)
            shownSummaries.append(view.summary(of: shown, pooling))
            hiddenSummaries.append(view.summary(of: hidden, pooling))
            if masks.rows.isEmpty { continue }
            let width = student.encoder.width
            shownPatches.append(shown.patches.reshaped([-1, width]).gatheringRows(masks.rows))
            hiddenPatches.append(hidden.patches.reshaped([-1, width]).gatheringRows(masks.rows))
            weights += masks.weights
        }
        // One head for all tokens, but each kind goes through it alone: class tokens differ little from picture to
        // picture, and a batch norm that sees them beside patches would scale those differences away.
        let score = { [self] (rows: Variable) in
            student.head(rows, forward).scaled(by: 1 / configuration.studentTemperature)
        }
        let classTargets = classBalancer.targets(
            teacher.head(.concatenated(shownSummaries, axis: 0), quiet).value, temperature: temperature)
        let localSummaries = locals.map {
            $0.summary(of: student.encoder.tokens(of: Variable($0.images), forward), pooling)
        }
        let local = localSummaries.isEmpty ? nil : score(.concatenated(localSummaries, axis: 0))
        let global = score(.concatenated(hiddenSummaries, axis: 0))
        var terms = [
            LossTerm(name: "cls", value: classPairs(global, local, classTargets, pictures: globals[0].count))
        ]
        if !shownPatches.isEmpty {
            let targets = patchBalancer.targets(
                teacher.head(.concatenated(shownPatches, axis: 0), quiet).value, temperature: temperature)
            let patches = score(.concatenated(hiddenPatches, axis: 0))
                .softCrossEntropy(targets: targets, rowWeights: weights)
            terms.append(LossTerm(name: "patch", value: patches, weight: configuration.patchWeight))
        }
        return terms
    }

    /// Block masks inside the views: the hidden patches of each picture or canvas, their rows among all patch tokens, and
    /// weights with which each masked view counts the same, however many of its patches are hidden.
    private func masks(
        _ view: ViewBatch, number: Int, grid: (height: Int, width: Int), seed: UInt64
    ) -> (patches: [[Int32]], rows: [Int32], weights: [Float]) {
        let (places, inside) = (view.patchRows(grid: grid), view.viewGrid(in: grid))
        let (count, area) = (inside.height * inside.width, grid.height * grid.width)
        var patches = [[Int32]](repeating: [], count: view.images.shape[0])
        var (rows, weights): ([Int32], [Float]) = ([], [])
        for n in 0..<view.count {
            var stream = RandomStream(seed: seed, purpose: "ibot mask", UInt64(number * view.count + n))
            guard stream.chance(configuration.maskProbability) else { continue }
            let ratio = stream.uniform(0.1...configuration.maskRatio)
            let hidden = BlockMask.draw(grid: inside, count: Int((Double(count) * ratio).rounded()), &stream)
            for patch in hidden {
                let row = places[n * count + Int(patch)]
                rows.append(row)
                patches[Int(row) / area].append(row % Int32(area))
                weights.append(1 / Float(hidden.count))
            }
        }
        return (patches, rows, weights)
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
