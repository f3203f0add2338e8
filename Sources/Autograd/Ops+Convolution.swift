import CKernels
import Determinism
import TensorCore

extension Variable {
    /// Convolution of `(N, H, W, I)` with a square kernel: columns of patches times the weight.
    ///
    /// - Parameters:
    ///   - weight: `(O, I, k, k)`, as checkpoints hold it.
    ///   - bias: `(O)`.
    /// - Returns: `(N, H', W', O)` with `H' = (H + 2·padding − k) / stride + 1`.
    public func conv2d(_ weight: Variable, _ bias: Variable? = nil, stride: Int = 1, padding: Int = 0) -> Variable {
        precondition(
            shape.count == 4 && weight.shape.count == 4 && weight.shape[1] == shape[3]
                && weight.shape[2] == weight.shape[3],
            "conv2d: picture \(shape) with weight \(weight.shape)")
        let (outputs, inputs, kernel) = (weight.shape[0], weight.shape[1], weight.shape[2])
        if kernel == 1 && stride == 1 && padding == 0 {
            return linear(weight.reshaped([outputs, inputs]), bias)
        }
        let columns = patches(kernel: kernel, stride: stride, padding: padding)
        let matrix = weight.permuted([0, 2, 3, 1]).reshaped([outputs, kernel * kernel * inputs])
        return columns.linear(matrix, bias)
    }

    /// The patches under a sliding window: `(N, H', W', k·k·C)`, the window row by row, channels last.
    public func patches(kernel: Int, stride: Int, padding: Int) -> Variable {
        let (pictures, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        let outHeight = (height + 2 * padding - kernel) / stride + 1
        let outWidth = (width + 2 * padding - kernel) / stride + 1
        precondition(outHeight > 0 && outWidth > 0, "patches of \(kernel)x\(kernel) in \(height)x\(width)")
        let (dtype, size, wide) = (value.dtype, value.dtype.size, kernel * kernel * channels)
        let y = Tensor(uninitialized: [pictures, outHeight, outWidth, wide], dtype)
        let table = Kernels.table(dtype)
        let (yp, xp) = (y.raw, value.raw)
        let grain = max(1, 16384 / (outWidth * wide))
        let perPicture = (outHeight + grain - 1) / grain
        Parallel.forEach(pictures * perPicture) { task in
            let (picture, first) = (task / perPicture, task % perPicture * grain)
            table.pointee.im2col(
                yp + (picture * outHeight + first) * outWidth * wide * size,
                xp + picture * height * width * channels * size, height, width, channels, kernel, stride, padding,
                outWidth, first, min(first + grain, outHeight))
        }
        return .record(y, from: [self]) { dy in
            let dx = Tensor.zeros([pictures, height, width, channels], dtype)
            let (dxp, dyp) = (dx.raw, dy.raw)
            Parallel.forEach(pictures) { n in
                table.pointee.col2im(
                    dxp + n * height * width * channels * size, dyp + n * outHeight * outWidth * wide * size, height,
                    width, channels, kernel, stride, padding, outHeight, outWidth)
            }
            return [dx]
        }
    }

    /// Transposed convolution with a 2x2 kernel and stride 2: each pixel becomes four.
    ///
    /// - Parameters:
    ///   - weight: `(I, O, 2, 2)`, as checkpoints hold it.
    ///   - bias: `(O)`.
    /// - Returns: `(N, 2H, 2W, O)`.
    public func convTranspose2x2(_ weight: Variable, _ bias: Variable? = nil) -> Variable {
        precondition(
            shape.count == 4 && weight.shape == [shape[3], weight.shape[1], 2, 2],
            "convTranspose2x2: picture \(shape) with weight \(weight.shape)")
        let (pictures, height, width, outputs) = (shape[0], shape[1], shape[2], weight.shape[1])
        // One product gives the four outputs of a pixel; a permutation puts them in place.
        let matrix = weight.permuted([2, 3, 1, 0]).reshaped([4 * outputs, shape[3]])
        let spread = linear(matrix).reshaped([pictures, height, width, 2, 2, outputs]).permuted([0, 1, 3, 2, 4, 5])
        let result = spread.reshaped([pictures, 2 * height, 2 * width, outputs])
        return bias.map { result.addingRows($0) } ?? result
    }
}
