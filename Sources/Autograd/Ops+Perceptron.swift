import CKernels
import TensorCore

extension Variable {
    /// Two fused linear layers on the last axis: `y = act(x W₁ᵀ + b₁) W₂ᵀ + b₂ + residual`.
    ///
    /// Activated values exist for a part of the rows at a time. Backward keeps `x` and `z = x W₁ᵀ + b₁`, makes `h` again and
    /// leaves `dz` where `z` was.
    ///
    ///     h = act(z),  dW₂ = dyᵀ h,  dz = (dy W₂) act'(z),  dx = dz W₁,  dW₁ = dzᵀ x
    ///
    /// - Parameters:
    ///   - first, second: weight `(out, in)` and bias `(out)` of each layer.
    ///   - residual: the shape of the result.
    ///   - bf16: as in `linear`; `z` and `h` then are bfloat16.
    /// - Returns: `(…, out)` of the second layer.
    public func perceptron(
        _ first: (weight: Variable, bias: Variable), _ second: (weight: Variable, bias: Variable),
        activation: Activation, residual: Variable? = nil, bf16: Bool = false
    ) -> Variable {
        let (rows, width) = rowsAndColumns
        let lower = Projection(rows: rows, first.weight, first.bias, bf16: bf16)
        let upper = Projection(rows: rows, second.weight, second.bias, bf16: bf16)
        let (dtype, inner) = (lower.dtype, bf16 ? DType.bf16 : lower.dtype)
        let (hidden, outputs) = (first.weight.shape[0], second.weight.shape[0])
        precondition(
            first.weight.shape == [hidden, width] && second.weight.shape == [outputs, hidden],
            "perceptron: \(shape) with weights \(first.weight.shape) and \(second.weight.shape)")
        let weights = [first.weight, first.bias, second.weight, second.bias]
        let isKept = isTracked || weights.contains { $0.isTracked }
        let y = Tensor(uninitialized: shape.dropLast() + [outputs], dtype)
        precondition(
            residual == nil || residual!.shape == y.shape, "perceptron: residual \(residual!.shape) for \(y.shape)")
        let z = isKept ? Tensor(uninitialized: [rows, hidden], inner) : nil
        let parts = Self.parts(of: rows)
        do {
            let (up, down) = (lower.packedForward(), upper.packedForward())
            let (lines, results) = (value.reshaped([rows, width]), y.reshaped([rows, outputs]))
            let sums = residual?.value.reshaped([rows, outputs])
            for part in parts {
                let h = Tensor(uninitialized: [part.count, hidden], inner)
                lower.apply(lines.rows(part), up, into: h, activation: activation, pre: z?.rows(part))
                upper.apply(h, down, into: results.rows(part), residual: sums?.rows(part))
            }
        }
        let (x, needX, inputShape, inputType) = (SavedValue(self), isTracked, shape, value.dtype)
        let hasResidual = residual != nil
        return .record(y, from: [self] + weights + [residual].compactMap { $0 }) { dy in
            let z = z!
            let upperWeight = upper.weightGradient(dy, parts: parts) { Elementwise.activated(z.rows($0), activation) }
            upper.slopes(dy, at: z, activation)
            // Before dx: x is gone by then.
            let lowerWeight = lower.weightGradient(z, x.take)
            let dx = needX ? Tensor(uninitialized: inputShape, inputType) : nil
            if let dx { lower.inputGradient(z, into: dx) }
            let gradients = [dx, lowerWeight, lower.biasGradient(z), upperWeight, upper.biasGradient(dy)]
            return hasResidual ? gradients + [dy] : gradients
        }
    }

    /// Equal parts of about two thousand rows, enough for each panel of weights to be used often, in whole tiles of every
    /// path and whole pairs.
    private static func parts(of rows: Int) -> [Range<Int>] {
        let count = max(1, (rows + 1024) / 2048)
        let height = ((rows + count - 1) / count + 23) / 24 * 24
        return stride(from: 0, to: rows, by: max(height, 1)).map { $0..<min($0 + height, rows) }
    }
}
