import CKernels
import TensorCore

extension Variable {
    /// A fused linear layer on the last axis: `y = act(x Wᵀ + b) + residual`.
    ///
    ///     dz = dy act'(z),  dx = dz W,  dW = dzᵀ x,  db = Σ_rows dz,  d residual = dy
    ///
    /// - Parameters:
    ///   - weight: `(out, in)`; bfloat16 where it is a constant.
    ///   - bias: `(out)`.
    ///   - residual: the shape of the result.
    ///   - bf16: round the operands of all three products to bfloat16; sums, bias and activation are in float. Needed where
    ///     this value is bfloat16; its gradient then is too.
    ///   - half: the result is bfloat16; without activation and residual.
    /// - Returns: `(…, out)`.
    public func linear(
        _ weight: Variable, _ bias: Variable? = nil, activation: Activation = .none, residual: Variable? = nil,
        bf16: Bool = false, half: Bool = false
    ) -> Variable {
        let ((rows, inputs), outputs) = (rowsAndColumns, weight.shape[0])
        precondition(weight.shape == [outputs, inputs], "linear: \(shape) with weight \(weight.shape)")
        precondition(!half || (activation == .none && residual == nil), "linear: a rounded result is a plain product")
        let layer = Projection(rows: rows, weight, bias, bf16: bf16)
        let y = Tensor(uninitialized: shape.dropLast() + [outputs], half ? .bf16 : layer.dtype)
        precondition(
            residual == nil || residual!.shape == y.shape, "linear: residual \(residual!.shape) for \(y.shape)")
        let tracked = isTracked || weight.isTracked || (bias?.isTracked ?? false)
        let pre = activation.slopeSource == .argument && tracked ? Tensor(uninitialized: y.shape, layer.dtype) : nil
        let slopes = activation.slopeSource == .result ? y : pre
        layer.apply(value, into: y, activation: activation, pre: pre, residual: residual?.value)
        let (x, needX, inputShape, inputType) = (SavedValue(self), isTracked, shape, value.dtype)
        let operands = [self, weight] + [bias, residual].compactMap { $0 }
        let (hasBias, hasResidual) = (bias != nil, residual != nil)
        return .record(y, from: operands) { dy in
            let dz = slopes.map { Elementwise.activationBackward(dy, $0, activation) } ?? dy
            // Before dx: x is gone by then.
            let dw = layer.weightGradient(dz, x.take)
            let dx = needX ? Tensor(uninitialized: inputShape, inputType) : nil
            if let dx { layer.inputGradient(dz, into: dx) }
            var gradients = [dx, dw]
            if hasBias { gradients.append(layer.biasGradient(dz)) }
            if hasResidual { gradients.append(dy) }
            return gradients
        }
    }
}

/// The products of one linear layer on rows, there and back.
struct Projection {
    let rows: Int
    let inputs: Int
    let outputs: Int
    let weight: Tensor
    let bias: Tensor?
    /// Of sums.
    let dtype: DType
    let bf16: Bool
    let needsWeight: Bool
    let needsBias: Bool

    init(rows: Int, _ weight: Variable, _ bias: Variable?, bf16: Bool) {
        precondition(weight.shape.count == 2, "linear: weight \(weight.shape)")
        self.rows = rows
        (outputs, inputs) = (weight.shape[0], weight.shape[1])
        precondition(bias == nil || bias!.shape == [outputs], "linear: bias \(bias!.shape) for \(outputs) outputs")
        let isHalf = weight.value.dtype == .bf16
        self.weight = isHalf && !bf16 ? weight.value.converted(to: .f32) : weight.value
        dtype = isHalf ? .f32 : weight.value.dtype
        self.bias = bias?.value
        self.bf16 = bf16
        needsWeight = weight.isTracked
        needsBias = bias?.isTracked ?? false
    }

    /// `Wᵀ` in panels, for products with several parts of the rows.
    func packedForward() -> PackedMatrix {
        PackedMatrix(
            dtype, MatrixView(weight, width: inputs, transposed: true), rows: inputs, columns: outputs,
            bf16: bf16)
    }

    /// `y = act(x Wᵀ + b) + residual`; `pre` keeps what goes into `act`.
    func apply(
        _ x: Tensor, _ packed: PackedMatrix? = nil, into y: Tensor, activation: Activation = .none, pre: Tensor? = nil,
        residual: Tensor? = nil
    ) {
        let (m, lines, half) = (x.count / inputs, MatrixView(x, width: inputs), y.dtype == .bf16)
        let epilogue = GemmEpilogue(
            bias: bias?.raw, activation: activation.kernel, pre: pre?.raw, residual: residual?.raw)
        if let packed {
            Gemm.multiply(m: m, lines, packed, into: y.raw, epilogue: epilogue, half: half)
        } else {
            Gemm.multiply(
                dtype, m: m, n: outputs, k: inputs, lines, MatrixView(weight, width: inputs, transposed: true),
                into: y.raw, epilogue: epilogue, bf16: bf16, half: half)
        }
    }

    /// `dx = dz W`
    func inputGradient(_ dz: Tensor, into dx: Tensor) {
        Gemm.multiply(
            dtype, m: rows, n: inputs, k: outputs, MatrixView(dz, width: outputs), MatrixView(weight, width: inputs),
            into: dx.raw, bf16: bf16, half: dx.dtype == .bf16)
    }

    /// `z := (dy W) act'(z)`, in place.
    func slopes(_ dy: Tensor, at z: Tensor, _ activation: Activation) {
        Gemm.multiply(
            dtype, m: rows, n: inputs, k: outputs, MatrixView(dy, width: outputs), MatrixView(weight, width: inputs),
            into: z.raw, epilogue: GemmEpilogue(activation: activation.slope, pre: z.raw), bf16: bf16,
            half: z.dtype == .bf16, aside: true)
    }

    /// `dW = dzᵀ x`
    func weightGradient(_ dz: Tensor, _ x: () -> Tensor) -> Tensor? {
        weightGradient(dz, parts: [0..<rows]) { _ in x() }
    }

    /// `dW = dzᵀ x` with a part of the rows of `x` at a time: every value is one chain of additions over all parts.
    func weightGradient(_ dz: Tensor, parts: [Range<Int>], _ x: (Range<Int>) -> Tensor) -> Tensor? {
        if !needsWeight { return nil }
        let lines = dz.reshaped([rows, outputs])
        var sum: Tensor?
        for part in parts {
            let value = x(part)
            // Behind x, which may be made from larger things.
            let dw = sum ?? Tensor(uninitialized: [outputs, inputs], dtype)
            sum = dw
            Gemm.multiply(
                dtype, m: outputs, n: inputs, k: part.count,
                MatrixView(lines.rows(part), width: outputs, transposed: true), MatrixView(value, width: inputs),
                into: dw.raw, accumulate: part.lowerBound > 0, bf16: bf16)
            keepAlive(value.storage)
        }
        return sum
    }

    /// `db = Σ_rows dz`
    func biasGradient(_ dz: Tensor) -> Tensor? {
        needsBias ? Elementwise.columnSums(dz, rows: rows, columns: outputs) : nil
    }
}
