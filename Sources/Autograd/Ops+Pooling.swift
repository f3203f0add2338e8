import CKernels
import Determinism
import TensorCore

extension Variable {
    /// Maximum over windows of `(N, H, W, C)`, without padding: `H' = (H − size) / stride + 1`; the first of equals wins.
    public func maxPool(size: Int, stride: Int) -> Variable {
        precondition(shape.count == 4 && shape[1] >= size && shape[2] >= size, "maxPool of \(size) in \(shape)")
        let (pictures, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        let (outHeight, outWidth) = ((height - size) / stride + 1, (width - size) / stride + 1)
        let (dtype, bytes) = (value.dtype, value.dtype.size)
        let y = Tensor(uninitialized: [pictures, outHeight, outWidth, channels], dtype)
        let argmax = Tensor(uninitialized: y.shape, .i32)
        let table = Kernels.table(dtype)
        let (inPlane, outPlane) = (height * width * channels, outHeight * outWidth * channels)
        let (yp, ap, xp) = (y.raw, argmax.i32(), value.raw)
        Parallel.forEach(pictures) { n in
            table.pointee.max_pool(
                yp + n * outPlane * bytes, ap + n * outPlane, xp + n * inPlane * bytes, height, width, channels, size,
                stride, outHeight, outWidth)
        }
        return .record(y, from: [self]) { dy in
            let dx = Tensor.zeros([pictures, height, width, channels], dtype)
            let (dxp, dyp, ap) = (dx.raw, dy.raw, argmax.i32())
            Parallel.forEach(pictures) { n in
                table.pointee.scatter_add(
                    dxp + n * inPlane * bytes, dyp + n * outPlane * bytes, ap + n * outPlane, outPlane)
            }
            return [dx]
        }
    }

    /// Average over a grid of bins: bin `o` covers `floor(o·H/H')` up to `ceil((o+1)·H/H')`.
    ///
    /// - Returns: `(N, height, width, C)`.
    public func adaptiveAveragePool(to size: (height: Int, width: Int)) -> Variable {
        precondition(shape.count == 4 && size.height > 0 && size.width > 0, "adaptiveAveragePool of \(shape)")
        let (pictures, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        let (dtype, bytes) = (value.dtype, value.dtype.size)
        let y = Tensor(uninitialized: [pictures, size.height, size.width, channels], dtype)
        let table = Kernels.table(dtype)
        let (inPlane, outPlane) = (height * width * channels * bytes, size.height * size.width * channels * bytes)
        let (yp, xp) = (y.raw, value.raw)
        Parallel.forEach(pictures) { n in
            table.pointee.adaptive_average_pool(
                yp + n * outPlane, xp + n * inPlane, height, width, channels, size.height, size.width)
        }
        return .record(y, from: [self]) { dy in
            let dx = Tensor.zeros([pictures, height, width, channels], dtype)
            let (dxp, dyp) = (dx.raw, dy.raw)
            Parallel.forEach(pictures) { n in
                table.pointee.adaptive_average_pool_backward(
                    dxp + n * inPlane, dyp + n * outPlane, height, width, channels, size.height, size.width)
            }
            return [dx]
        }
    }
}
