import Autograd
import CKernels
import Determinism
import TensorCore

/// Parameters and an optimizer's moments in flat buffers, group by group, and their gradients in blocks beside them: one
/// parallel loop a group, one tensor a moment in a snapshot.
public final class OptimizerState {
    /// Values that share a rate and a decay.
    struct Segment {
        let range: Range<Int>
        let learningRateScale: Double
        let weightDecay: Double
        let parameters: [Place]
    }

    /// One parameter's part of the buffers.
    struct Place {
        let range: Range<Int>
        let axisCount: Int
    }

    let segments: [Segment]
    public let values: Tensor
    /// Of all values, in order.
    public let gradients: [GradientBlock]
    /// By the names they have in snapshots, in the optimizer's order.
    public let moments: [(name: String, tensor: Tensor)]
    /// Steps applied.
    public internal(set) var stepCount = 0

    /// Moves the parameters' values into a flat buffer; gradients and moments are zero.
    ///
    /// - Precondition: at least one parameter; all of one type.
    public init(_ groups: [ParameterGroup], moments names: [String]) {
        let parameters = groups.flatMap(\.parameters)
        precondition(!parameters.isEmpty, "an optimizer without parameters")
        let dtype = parameters[0].value.dtype
        let total = parameters.reduce(0) { $0 + $1.value.count }
        values = Tensor(uninitialized: [total], dtype)
        moments = names.map { ($0, .zeros([total], dtype)) }
        var (start, segments) = (0, [Segment]())
        for group in groups {
            let first = start
            var places: [Place] = []
            for parameter in group.parameters {
                let place = values.view(at: start, shape: parameter.shape)
                place.assign(parameter.value)
                parameter.value = place
                places.append(Place(range: start..<start + place.count, axisCount: parameter.shape.count))
                start += place.count
            }
            segments.append(
                Segment(
                    range: first..<start, learningRateScale: group.learningRateScale, weightDecay: group.weightDecay,
                    parameters: places))
        }
        self.segments = segments
        gradients = GradientBlock.blocks(of: parameters)
    }

    /// Calls `body` for parts of a range, in parallel, with the part's first byte in the flat buffers, its gradients and its
    /// length.
    func forEachPart(
        of range: Range<Int>, _ body: (_ byte: Int, _ gradients: UnsafeMutableRawPointer, _ count: Int) -> Void
    ) {
        let (size, grain) = (values.dtype.size, 32768)
        let parts = shares(of: range).flatMap { share in
            stride(from: 0, to: share.range.count, by: grain).map { first in
                (
                    place: share.range.lowerBound + first, gradients: share.gradients + first * size,
                    count: min(grain, share.range.count - first)
                )
            }
        }
        Parallel.forEach(parts.count) { body(parts[$0].place * size, parts[$0].gradients, parts[$0].count) }
    }

    /// The parts of a range that lie in one block of gradients each, with the first gradient.
    private func shares(of range: Range<Int>) -> [(range: Range<Int>, gradients: UnsafeMutableRawPointer)] {
        gradients.filter { $0.range.overlaps(range) }.map { block in
            let share = block.range.clamped(to: range)
            return (share, block.tensor.raw + (share.lowerBound - block.range.lowerBound) * values.dtype.size)
        }
    }

    /// The Euclidean norm of gradients; the order of sums depends on the sizes alone.
    func gradientNorm(_ range: Range<Int>) -> Double {
        shares(of: range).reduce(0) { $0 + squares($1.gradients, $1.range.count) }.squareRoot()
    }

    /// The Euclidean norm of values.
    func valueNorm(_ range: Range<Int>) -> Double {
        squares(values.raw + range.lowerBound * values.dtype.size, range.count).squareRoot()
    }

    private func squares(_ first: UnsafeMutableRawPointer, _ count: Int) -> Double {
        let (grain, size, table) = (65536, values.dtype.size, Kernels.table(values.dtype))
        let partial = Tensor.zeros([(count + grain - 1) / grain], .f64)
        let sums = partial.f64()
        Parallel.forEachRange(count, grain: grain) { part in
            let start = first + part.lowerBound * size
            sums[part.lowerBound / grain] = table.pointee.dot(start, start, part.count)
        }
        return partial.doubles().reduce(0, +)
    }
}
