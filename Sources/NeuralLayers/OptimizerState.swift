import Autograd
import CKernels
import Determinism
import TensorCore

/// Parameters, their gradients and an optimizer's moments in flat buffers, group by group: one kernel call a group, one
/// reduction over all gradients, one tensor a moment in a snapshot.
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
    public let gradients: Tensor
    /// By the names they have in snapshots, in the optimizer's order.
    public let moments: [(name: String, tensor: Tensor)]
    /// Steps applied.
    public internal(set) var stepCount = 0

    /// Moves the parameters' values and gradients into flat buffers; gradients and moments are zero.
    ///
    /// - Precondition: at least one parameter; all of one type.
    public init(_ groups: [ParameterGroup], moments names: [String]) {
        let parameters = groups.flatMap(\.parameters)
        precondition(!parameters.isEmpty, "an optimizer without parameters")
        let dtype = parameters[0].value.dtype
        let total = parameters.reduce(0) { $0 + $1.value.count }
        values = Tensor(uninitialized: [total], dtype)
        gradients = .zeros([total], dtype)
        moments = names.map { ($0, .zeros([total], dtype)) }
        var (start, segments) = (0, [Segment]())
        for group in groups {
            let first = start
            var places: [Place] = []
            for parameter in group.parameters {
                let place = values.view(at: start, shape: parameter.shape)
                place.assign(parameter.value)
                parameter.value = place
                parameter.gradient = gradients.view(at: start, shape: parameter.shape)
                places.append(Place(range: start..<start + place.count, axisCount: parameter.shape.count))
                start += place.count
            }
            segments.append(
                Segment(
                    range: first..<start, learningRateScale: group.learningRateScale, weightDecay: group.weightDecay,
                    parameters: places))
        }
        self.segments = segments
    }

    /// Calls `body` for parts of a range, in parallel, with the part's first byte in each buffer and its length.
    func forEachPart(of range: Range<Int>, _ body: (_ byte: Int, _ count: Int) -> Void) {
        let (size, start) = (values.dtype.size, range.lowerBound)
        guard !range.isEmpty else { return }
        Parallel.forEachRange(range.count, grain: 32768) { body((start + $0.lowerBound) * size, $0.count) }
    }

    /// The Euclidean norm of a part of a buffer; the order of sums depends on the range alone.
    func norm(of tensor: Tensor, _ range: Range<Int>) -> Double {
        let grain = 65536
        let blocks = (range.count + grain - 1) / grain
        let partial = Tensor.zeros([blocks], .f64)
        let (table, values, sums) = (Kernels.table(tensor.dtype), tensor.raw, partial.f64())
        let size = tensor.dtype.size
        Parallel.forEachRange(range.count, grain: grain) { part in
            let first = values + (range.lowerBound + part.lowerBound) * size
            sums[part.lowerBound / grain] = table.pointee.dot(first, first, part.count)
        }
        return partial.doubles().reduce(0, +).squareRoot()
    }
}
