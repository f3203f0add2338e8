import Autograd
import CKernels
import Determinism
import TensorCore

/// Parameters that share a learning-rate scale and a weight decay.
public struct ParameterGroup {
    public var parameters: [Parameter]
    public var learningRateScale: Double
    public var weightDecay: Double

    public init(_ parameters: [Parameter], learningRateScale: Double = 1, weightDecay: Double = 0) {
        self.parameters = parameters
        self.learningRateScale = learningRateScale
        self.weightDecay = weightDecay
    }

    /// Two groups a learning-rate scale: values of two or more axes decay, biases and norms do not.
    ///
    /// - Parameter scale: the learning-rate scale of a parameter by its name.
    public static func decayed(
        _ entries: [StateEntry], weightDecay: Double, scale: (String) -> Double = { _ in 1 }
    ) -> [ParameterGroup] {
        var groups: [ParameterGroup] = []
        for entry in entries {
            guard case .parameter(let parameter) = entry.storage, parameter.isTrainable else { continue }
            let (rate, decay) = (scale(entry.name), parameter.shape.count > 1 ? weightDecay : 0)
            if let at = groups.firstIndex(where: { $0.learningRateScale == rate && $0.weightDecay == decay }) {
                groups[at].parameters.append(parameter)
            } else {
                groups.append(ParameterGroup([parameter], learningRateScale: rate, weightDecay: decay))
            }
        }
        return groups
    }
}

/// What a step did.
public struct StepOutcome: Sendable {
    /// The Euclidean norm of all gradients, before clipping.
    public var gradientNorm: Double
    /// False when the norm was not finite: nothing changed.
    public var isApplied: Bool

    public init(gradientNorm: Double, isApplied: Bool) {
        self.gradientNorm = gradientNorm
        self.isApplied = isApplied
    }
}

/// Adam with decoupled weight decay over flat buffers of values, gradients and moments.
///
///     m = β₁m + (1−β₁)g,  v = β₂v + (1−β₂)g²
///     p = (1 − ηλ)p − η·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)
///
/// - Source: Loshchilov, Hutter 2019, arXiv:1711.05101, algorithm 2; the placement of ε is PyTorch's.
public final class AdamW {
    private struct Segment {
        let range: Range<Int>
        let learningRateScale: Double
        let weightDecay: Double
    }
    private let segments: [Segment]
    /// All values, gradients, first and second moments, group by group.
    public let values: Tensor
    public let gradients: Tensor
    public let firstMoments: Tensor
    public let secondMoments: Tensor
    public private(set) var stepCount = 0
    private let betas: (Double, Double)
    private let epsilon: Double

    /// Moves the parameters' values and gradients into flat buffers.
    public init(_ groups: [ParameterGroup], betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8) {
        let parameters = groups.flatMap(\.parameters)
        precondition(!parameters.isEmpty, "AdamW without parameters")
        let dtype = parameters[0].value.dtype
        let total = parameters.reduce(0) { $0 + $1.value.count }
        values = Tensor(uninitialized: [total], dtype)
        gradients = .zeros([total], dtype)
        firstMoments = .zeros([total], dtype)
        secondMoments = .zeros([total], dtype)
        var (start, segments) = (0, [Segment]())
        for group in groups {
            let first = start
            for parameter in group.parameters {
                let place = values.view(at: start, shape: parameter.shape)
                place.assign(parameter.value)
                parameter.value = place
                parameter.gradient = gradients.view(at: start, shape: parameter.shape)
                start += parameter.value.count
            }
            segments.append(
                Segment(
                    range: first..<start, learningRateScale: group.learningRateScale, weightDecay: group.weightDecay))
        }
        self.segments = segments
        self.betas = betas
        self.epsilon = epsilon
    }

    public func zeroGradients() { gradients.zero() }

    /// Applies the gradients, unless their norm is not finite.
    ///
    /// - Parameters:
    ///   - learningRate: multiplied by each group's scale.
    ///   - clipNorm: gradients are scaled down to this norm; `nil` leaves them.
    ///   - weightDecay: replaces the decay of the groups that have one (schedules).
    @discardableResult
    public func step(learningRate: Double, clipNorm: Double? = nil, weightDecay: Double? = nil) -> StepOutcome {
        let norm = gradientNorm()
        guard norm.isFinite else { return StepOutcome(gradientNorm: norm, isApplied: false) }
        stepCount += 1
        let gradientScale = clipNorm.map { norm > $0 ? $0 / (norm + 1e-6) : 1 } ?? 1
        let (size, table) = (values.dtype.size, Kernels.table(values.dtype))
        let correction1 = 1 - Self.power(betas.0, stepCount)
        let correction2 = 1 - Self.power(betas.1, stepCount)
        let (p, g, m, v) = (values.raw, gradients.raw, firstMoments.raw, secondMoments.raw)
        for segment in segments where !segment.range.isEmpty {
            let decay = segment.weightDecay == 0 ? 0 : weightDecay ?? segment.weightDecay
            Parallel.forEachRange(segment.range.count, grain: 32768) { range in
                let offset = (segment.range.lowerBound + range.lowerBound) * size
                table.pointee.adamw(
                    p + offset, g + offset, m + offset, v + offset, range.count,
                    learningRate * segment.learningRateScale, betas.0, betas.1, epsilon, decay, correction1,
                    correction2,
                    gradientScale)
            }
        }
        return StepOutcome(gradientNorm: norm, isApplied: true)
    }

    /// Restores moments and step count.
    public func restore(firstMoments m: Tensor, secondMoments v: Tensor, stepCount: Int) {
        firstMoments.assign(m)
        secondMoments.assign(v)
        self.stepCount = stepCount
    }

    /// The Euclidean norm of all gradients.
    public func gradientNorm() -> Double {
        let grain = 65536
        let blocks = (gradients.count + grain - 1) / grain
        let partial = Tensor.zeros([blocks], .f64)
        let (table, g, sums, size) = (
            Kernels.table(gradients.dtype), gradients.raw, partial.f64(), gradients.dtype.size
        )
        Parallel.forEachRange(gradients.count, grain: grain) { range in
            let part = g + range.lowerBound * size
            sums[range.lowerBound / grain] = table.pointee.dot(part, part, range.count)
        }
        return partial.doubles().reduce(0, +).squareRoot()
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, factor, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= factor }
            factor *= factor
            rest >>= 1
        }
        return result
    }
}
