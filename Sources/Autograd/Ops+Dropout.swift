import CKernels
import Determinism
import TensorCore

extension Variable {
    /// Zeroes values with probability `p` and scales the rest by `1 / (1 − p)`.
    ///
    /// - Parameters:
    ///   - stream: the step's own stream; the mask is a pure function of it.
    ///   - channelwise: one draw for each picture and channel of `(N, …, C)` (Dropout2d).
    public func dropout(_ p: Double, stream: RandomStream, channelwise: Bool = false) -> Variable {
        if p <= 0 { return self }
        var stream = stream
        let keep = 1 / (1 - p)
        let drawn = channelwise ? [shape[0], shape[shape.count - 1]] : shape
        let factors: [Double] = (0..<drawn.reduce(1, *)).map { _ in stream.chance(p) ? 0 : keep }
        let mask = Tensor(factors, drawn).converted(to: value.dtype)
        if !channelwise { return multiplied(by: Variable(mask)) }
        return .record(
            Elementwise.scaledColumns(value, by: mask), from: [self],
            remake: remake.map { made in { Elementwise.scaledColumns(made(), by: mask) } }
        ) { [Elementwise.scaledColumns($0, by: mask)] }
    }

    /// Drops whole pictures of a residual branch with probability `p` and scales the rest by `1 / (1 − p)`.
    ///
    /// - Source: Huang et al. 2016, arXiv:1603.09382 (stochastic depth).
    public func dropPath(_ p: Double, stream: RandomStream) -> Variable {
        if p <= 0 { return self }
        var stream = stream
        let factors: [Double] = (0..<shape[0]).map { _ in stream.chance(p) ? 0 : 1 / (1 - p) }
        return scaledRows(factors)
    }

    /// Multiplies slice `i` of the first axis by `factors[i]`.
    public func scaledRows(_ factors: [Double]) -> Variable {
        precondition(factors.count == shape[0], "scaledRows: \(factors.count) factors for \(shape)")
        let (whole, dtype) = (shape, value.dtype)
        let apply: (Tensor) -> Tensor = { x in
            let y = Tensor(uninitialized: whole, dtype)
            let (table, plane) = (Kernels.table(dtype), x.count / whole[0])
            let (yp, xp, size) = (y.raw, x.raw, dtype.size)
            Parallel.forEachRange(whole[0], grain: max(1, Elementwise.grain / max(plane, 1))) { range in
                for n in range {
                    table.pointee.scale(yp + n * plane * size, xp + n * plane * size, factors[n], plane)
                }
            }
            return y
        }
        return .record(apply(value), from: [self]) { [apply($0)] }
    }
}
