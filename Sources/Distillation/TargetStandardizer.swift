import Autograd
import Communication
import NeuralLayers
import TensorCore

/// What happens to a teacher's tokens before the student is asked to match them.
public enum TargetStandardization: Sendable, Equatable {
    /// The tokens as they are.
    case none
    /// Each token to zero mean and unit variance over its channels, without scale and shift.
    case layerNorm
    /// Each channel to zero mean and unit variance over pictures, by moving statistics.
    ///
    /// - Parameter relativeFloor: the least standard deviation a channel is divided by, as a part of the teacher's
    ///   overall scale (`ChannelStatistics.scale`). A channel that hardly varies, such as those of MAE's class token,
    ///   would else be blown up into noise. 0 leaves only the guard against division by zero.
    case zScore(momentum: StatisticsMomentum = .runningAverage(final: 0.001), relativeFloor: Double = 0.1)
    /// A rotation after which every channel has variance 1, and one scalar for all (see `PhiSStatistics`). The width must be
    /// one for which `HadamardMatrix.exists(order:)`.
    ///
    /// - Parameter batches: how many first batches it is fitted to; later it is constant. 100 batches of 64 pictures are
    ///   6,400 class tokens, eight for each of 768 channels.
    case phiS(batches: Int = 100)
}

/// The weight of a batch in the moving statistics: 1 at the first batch, falling to a small value.
///
/// UNIC lets it fall from 1 to 0.001; the two shapes here are this project's.
public enum StatisticsMomentum: Sendable, Equatable {
    /// `max(final, 1 / (1 + update))`: an exact average over all batches until `final` is reached.
    case runningAverage(final: Double)
    /// Half a cosine from 1 to `final` over `updates` batches, then `final`.
    case cosine(final: Double, updates: Int)
    /// 1 at the first batch, then constant.
    case constant(Double)

    /// The weight of batch number `update`, from 0.
    public func callAsFunction(_ update: Int) -> Double {
        if update <= 0 { return 1 }
        switch self {
        case .runningAverage(let final): return max(final, 1 / Double(1 + update))
        case .cosine(let final, let updates):
            return Schedule(.cosine, base: 1, final: final, totalSteps: max(updates, 1))(update)
        case .constant(let value): return value
        }
    }
}

/// Moving mean and variance of each channel. Checkpoint names `mean (C)`, `variance (C)`, `updates (1)`.
public final class ChannelStatistics: Layer {
    public let mean: Tensor
    /// Biased, of all tokens seen: the spread of batch means is part of it.
    public let variance: Tensor
    private let updates: Tensor

    public init(channels: Int) {
        mean = .zeros([channels])
        variance = .full([channels], 1)
        updates = .zeros([1])
    }

    public static var slots: [Slot<ChannelStatistics>] {
        [.buffer("mean", \.mean), .buffer("variance", \.variance), .buffer("updates", \.updates)]
    }

    /// The number of batches seen.
    public var updateCount: Int { Int(updates.floats()[0]) }

    /// Mixes a batch in: `μ' = (1−m)μ + m μ_b`, `σ²' = (1−m)σ² + m σ_b² + m(1−m)(μ_b − μ)²`, the moments of the
    /// mixture.
    ///
    /// A batch whose moments are not finite is left out.
    ///
    /// - Parameters:
    ///   - tokens: `(…, C)`.
    ///   - momentum: the weight `m` of this batch.
    ///   - group: the ranks that share the batch, equally many tokens each.
    public func update(_ tokens: Tensor, momentum: Double, group: any Communicator = SingleProcess()) {
        let columns = mean.count
        precondition(tokens.shape.last == columns, "statistics of \(columns) channels from \(tokens.shape)")
        let rows = tokens.count / columns
        if rows == 0 { return }
        let total = Double(rows * group.size)
        let x = Variable(tokens.reshaped([rows, columns]))
        let sums = Elementwise.columnSums(x.value, rows: rows, columns: columns)
        group.allReduceSum(sums)
        let batchMean = Elementwise.scaled(sums, 1 / total)
        let centred = x.addingRows(Variable(Elementwise.scaled(batchMean, -1)))
        let squares = Elementwise.columnSums(centred.multiplied(by: centred).value, rows: rows, columns: columns)
        group.allReduceSum(squares)
        let (freshMean, freshSquares) = (batchMean.doubles(), squares.doubles())
        guard freshMean.allSatisfy(\.isFinite), freshSquares.allSatisfy(\.isFinite) else { return }
        let (oldMean, oldVariance) = (mean.doubles(), variance.doubles())
        var (newMean, newVariance) = ([Float](), [Float]())
        for c in 0..<columns {
            let step: Double = freshMean[c] - oldMean[c]
            let spread: Double = momentum * (1 - momentum) * step * step
            newMean.append(Float(oldMean[c] + momentum * step))
            newVariance.append(
                Float((1 - momentum) * oldVariance[c] + momentum * freshSquares[c] / total + spread))
        }
        mean.assign(Tensor(newMean, [columns]))
        variance.assign(Tensor(newVariance, [columns]))
        updates.assign(Tensor([Float(updateCount + 1)], [1]))
    }

    /// The typical size of a channel: the median over channels of `√(μ² + σ²)`.
    ///
    /// The mean is part of it because a class token may be large and yet the same for every picture; the median,
    /// because a few channels of a ViT can be far larger than all others.
    public var scale: Double {
        let sizes = zip(mean.doubles(), variance.doubles()).map { ($0 * $0 + $1).squareRoot() }.sorted()
        let middle = sizes.count / 2
        return sizes.count % 2 == 1 ? sizes[middle] : (sizes[middle - 1] + sizes[middle]) / 2
    }

    /// What each channel is divided by: `max(σ, relativeFloor · scale)`, and never below 1e-6.
    public func deviations(relativeFloor: Double) -> [Double] {
        let floor = max(relativeFloor * scale, 1e-6)
        return variance.doubles().map { max($0.squareRoot(), floor) }
    }
}

/// Turns one teacher's tokens of one type into targets.
///
/// Checkpoint names `statistics.*` for z-scores, `rotation.*` for PHI-S, nothing otherwise.
/// - Source: per-channel moving statistics, separately for class and patch tokens: UNIC (github.com/naver/unic), as
///   read in its code; the floor is this project's.
public final class TargetStandardizer: Layer {
    public let kind: TargetStandardization
    /// Present for z-scores.
    public let statistics: ChannelStatistics?
    /// Present for PHI-S.
    public let rotation: PhiSStatistics?

    /// - Precondition: for PHI-S, `HadamardMatrix.exists(order: channels)` and at least one batch.
    public init(_ kind: TargetStandardization, channels: Int) {
        self.kind = kind
        if case .zScore = kind { statistics = ChannelStatistics(channels: channels) } else { statistics = nil }
        if case .phiS(let batches) = kind {
            precondition(batches > 0, "PHI-S fitted to \(batches) batches")
            rotation = PhiSStatistics(channels: channels)
        } else {
            rotation = nil
        }
    }

    public static var slots: [Slot<TargetStandardizer>] {
        [.layer("statistics", \.statistics), .layer("rotation", \.rotation)]
    }

    /// The targets, in the shape and type of `tokens`.
    ///
    /// In training the statistics take in `tokens` first; in evaluation they stay as they are.
    ///
    /// - Parameters:
    ///   - tokens: `(…, C)`, f32 or f64.
    ///   - group: the ranks that share the batch.
    public func standardized(
        _ tokens: Tensor, _ mode: ForwardMode, group: any Communicator = SingleProcess()
    ) -> Tensor {
        switch kind {
        case .none: return tokens
        case .layerNorm: return Variable(tokens).layerNorm().value
        case .zScore(let momentum, let relativeFloor):
            let statistics = statistics!
            if mode == .training {
                statistics.update(tokens, momentum: momentum(statistics.updateCount), group: group)
            }
            let channels = statistics.mean.count
            let deviations = statistics.deviations(relativeFloor: relativeFloor)
            let running = BatchNormStatistics(channels: channels, dtype: tokens.dtype)
            running.mean = statistics.mean.converted(to: tokens.dtype)
            running.variance = Tensor(deviations.map { $0 * $0 }, [channels]).converted(to: tokens.dtype)
            return Variable(tokens).batchNorm(nil, nil, running: running, training: false, epsilon: 0).value
        case .phiS(let batches):
            if mode == .training { rotation!.update(tokens, batches: batches, group: group) }
            return rotation!.transformed(tokens)
        }
    }
}
