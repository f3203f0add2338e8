import CKernels
import Determinism
import TensorCore

extension Variable {
    /// Convolution of `(N, H, W, I)` with a square kernel: tiles for kernels of 3x3 that keep the size, a linear layer for
    /// 1x1, else columns of patches times the weight.
    ///
    /// - Parameters:
    ///   - weight: `(O, I, k, k)`, as checkpoints hold it.
    ///   - bias: `(O)`.
    ///   - bf16: round the operands of the products to bfloat16, as `linear` does.
    /// - Returns: `(N, H', W', O)` with `H' = (H + 2·padding − k) / stride + 1`.
    public func conv2d(
        _ weight: Variable, _ bias: Variable? = nil, stride: Int = 1, padding: Int = 0,
        activation: Activation = .none, bf16: Bool = false
    ) -> Variable {
        precondition(
            shape.count == 4 && weight.shape.count == 4 && weight.shape[1] == shape[3]
                && weight.shape[2] == weight.shape[3],
            "conv2d: picture \(shape) with weight \(weight.shape)")
        let (outputs, inputs, kernel) = (weight.shape[0], weight.shape[1], weight.shape[2])
        precondition(bias == nil || bias!.shape == [outputs], "conv2d: bias \(bias!.shape) for \(outputs) outputs")
        if kernel == 1 && stride == 1 && padding == 0 {
            return linear(weight.reshaped([outputs, inputs]), bias, activation: activation, bf16: bf16)
        }
        if kernel == 3 && stride == 1 && padding == 1 && activation != .gelu {
            return conv3x3(weight, bias, relu: activation == .relu, bf16: bf16)
        }
        let columns = patches(kernel: kernel, stride: stride, padding: padding)
        let matrix = weight.permuted([0, 2, 3, 1]).reshaped([outputs, kernel * kernel * inputs])
        return columns.linear(matrix, bias, activation: activation, bf16: bf16)
    }

    /// The 3x3 convolution that keeps the size. Backward keeps the picture and, behind a ReLU, the result.
    ///
    ///     dz = dy [y > 0],  dx = dz ∗ turned w,  dw[o, i, j, k] = Σ dz[·, y, x, o] x[·, y + j − 1, x + k − 1, i],  db = Σ dz
    private func conv3x3(_ weight: Variable, _ bias: Variable?, relu: Bool, bf16: Bool) -> Variable {
        let (pictures, height, width) = (shape[0], shape[1], shape[2])
        let (outputs, dtype, inputShape, weightShape) = (weight.shape[0], value.dtype, shape, weight.shape)
        let convolution = TiledConvolution(
            pictures: pictures, height: height, width: width, inputs: shape[3], outputs: outputs, dtype: dtype,
            bf16: bf16)
        let y = Tensor(uninitialized: [pictures, height, width, outputs], dtype)
        convolution.apply(value.raw, weight: weight.value.raw, bias: bias?.value.raw, relu: relu, into: y.raw)
        let (x, w) = (SavedValue(self), weight.value)
        keepAlive(value.storage, w.storage)
        let (needX, needW, needB) = (isTracked, weight.isTracked, bias?.isTracked ?? false)
        let hasBias = bias != nil
        return .record(y, from: [self, weight] + (hasBias ? [bias!] : [])) { dy in
            let dz = relu ? Elementwise.activationBackward(dy, y, .relu) : dy
            let dw = needW ? Tensor(uninitialized: weightShape, dtype) : nil
            if let dw {
                // Before dx: x is gone by then.
                let x = x.take()
                convolution.weightGradient(x.raw, dz.raw, into: dw.raw)
                keepAlive(x.storage)
            }
            let dx = needX ? Tensor(uninitialized: inputShape, dtype) : nil
            if let dx { convolution.inputGradient(dz.raw, weight: w.raw, into: dx.raw) }
            let rows = pictures * height * width
            let db = needB ? Elementwise.columnSums(dz, rows: rows, columns: outputs) : nil
            keepAlive(w.storage, dz.storage)
            return [dx, dw] + (hasBias ? [db] : [])
        }
    }

    /// The patches under a sliding window: `(N, H', W', k·k·C)`, the window row by row, channels last.
    public func patches(kernel: Int, stride: Int, padding: Int) -> Variable {
        let (pictures, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        let outHeight = (height + 2 * padding - kernel) / stride + 1
        let outWidth = (width + 2 * padding - kernel) / stride + 1
        precondition(outHeight > 0 && outWidth > 0, "patches of \(kernel)x\(kernel) in \(height)x\(width)")
        let (dtype, size, wide) = (value.dtype, value.dtype.size, kernel * kernel * channels)
        let (table, x) = (Kernels.table(dtype), value)
        let grain = max(1, 16384 / (outWidth * wide))
        let perPicture = (outHeight + grain - 1) / grain
        func columns() -> Tensor {
            let y = Tensor(uninitialized: [pictures, outHeight, outWidth, wide], dtype)
            let (yp, xp) = (y.raw, x.raw)
            Parallel.forEach(pictures * perPicture) { task in
                let (picture, first) = (task / perPicture, task % perPicture * grain)
                table.pointee.im2col(
                    yp + (picture * outHeight + first) * outWidth * wide * size,
                    xp + picture * height * width * channels * size, height, width, channels, kernel, stride,
                    padding, outWidth, first, min(first + grain, outHeight))
            }
            return y
        }
        return .record(columns(), from: [self], remake: columns) { dy in
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
    ///   - bf16: round the operands of the products to bfloat16, as `linear` does.
    /// - Returns: `(N, 2H, 2W, O)`.
    public func convTranspose2x2(_ weight: Variable, _ bias: Variable? = nil, bf16: Bool = false) -> Variable {
        precondition(
            shape.count == 4 && weight.shape == [shape[3], weight.shape[1], 2, 2],
            "convTranspose2x2: picture \(shape) with weight \(weight.shape)")
        let (pictures, height, width, outputs) = (shape[0], shape[1], shape[2], weight.shape[1])
        // One product gives the four outputs of a pixel; a permutation puts them in place.
        let matrix = weight.permuted([2, 3, 1, 0]).reshaped([4 * outputs, shape[3]])
        let spread = linear(matrix, bf16: bf16).reshaped([pictures, height, width, 2, 2, outputs])
            .permuted([0, 1, 3, 2, 4, 5])
        let result = spread.reshaped([pictures, 2 * height, 2 * width, outputs])
        return bias.map { result.addingRows($0) } ?? result
    }
}
