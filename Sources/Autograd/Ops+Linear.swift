import CKernels
import TensorCore

extension Variable {
    /// A fused linear layer on the last axis: `y = act(x Wᵀ + b) + residual`.
    ///
    ///     dz = dy act'(z),  dx = dz W,  dW = dzᵀ x,  db = Σ_rows dz,  d residual = dy
    ///
    /// - Parameters:
    ///   - weight: `(out, in)`.
    ///   - bias: `(out)`.
    ///   - residual: the shape of the result.
    ///   - bf16: round the operands of all three products to bfloat16; sums, bias, activation and gradients are in float.
    /// - Returns: `(…, out)`.
    public func linear(
        _ weight: Variable, _ bias: Variable? = nil, activation: Activation = .none, residual: Variable? = nil,
        bf16: Bool = false
    ) -> Variable {
        let (rows, inputs) = rowsAndColumns
        precondition(
            weight.shape.count == 2 && weight.shape[1] == inputs, "linear: \(shape) with weight \(weight.shape)")
        let outputs = weight.shape[0]
        precondition(bias == nil || bias!.shape == [outputs], "linear: bias \(bias!.shape) for \(outputs) outputs")
        let dtype = value.dtype
        let y = Tensor(uninitialized: shape.dropLast() + [outputs], dtype)
        precondition(
            residual == nil || residual!.shape == y.shape, "linear: residual \(residual!.shape) for \(y.shape)")
        let tracked = isTracked || weight.isTracked || (bias?.isTracked ?? false)
        let pre = activation != .none && tracked ? Tensor(uninitialized: y.shape, dtype) : nil
        Gemm.multiply(
            dtype, m: rows, n: outputs, k: inputs, MatrixView(value, width: inputs),
            MatrixView(weight.value, width: inputs, transposed: true), into: y.raw,
            epilogue: GemmEpilogue(
                bias: bias?.value.raw, activation: dmt_activation(UInt32(activation.code)), pre: pre?.raw,
                residual: residual?.value.raw),
            bf16: bf16)
        let (x, w) = (value, weight.value)
        let (needX, needW, needB) = (isTracked, weight.isTracked, bias?.isTracked ?? false)
        let inputShape = shape
        let operands = [self, weight] + [bias, residual].compactMap { $0 }
        let (hasBias, hasResidual) = (bias != nil, residual != nil)
        return .record(y, from: operands) { dy in
            let dz = pre.map { Elementwise.activationBackward(dy, $0, activation) } ?? dy
            var dx: Tensor?
            var dw: Tensor?
            if needX {
                let result = Tensor(uninitialized: inputShape, dtype)
                Gemm.multiply(
                    dtype, m: rows, n: inputs, k: outputs, MatrixView(dz, width: outputs), MatrixView(w, width: inputs),
                    into: result.raw, bf16: bf16)
                dx = result
            }
            if needW {
                let result = Tensor(uninitialized: [outputs, inputs], dtype)
                Gemm.multiply(
                    dtype, m: outputs, n: inputs, k: rows, MatrixView(dz, width: outputs, transposed: true),
                    MatrixView(x, width: inputs), into: result.raw, bf16: bf16)
                dw = result
            }
            var gradients: [Tensor?] = [dx, dw]
            if hasBias { gradients.append(needB ? Elementwise.columnSums(dz, rows: rows, columns: outputs) : nil) }
            if hasResidual { gradients.append(dy) }
            return gradients
        }
    }
}
