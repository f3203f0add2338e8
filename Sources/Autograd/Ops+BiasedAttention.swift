import CKernels
import Determinism
import TensorCore

extension Variable {
    /// Multi-head self-attention of packed projections with a bias on every score.
    ///
    ///     O = P V,  P = softmax(Q Kᵀ / √d + B)     for each picture and head
    ///     dV = Pᵀ dO,  dS = P ∘ (dO Vᵀ − Σ_row P ∘ dO Vᵀ),  dQ = dS K / √d,  dK = dSᵀ Q / √d,  dB = dS
    ///
    /// This value is `(N, T, 3C)` as for `attention(heads:)`.
    ///
    /// - Parameter bias: `(heads, T, T)` for all pictures, or `(N, heads, T, T)`.
    /// - Returns: `(N, T, C)`.
    /// - Complexity: as `attention(heads:)`, but the probabilities `(N, heads, T, T)` are kept for the backward.
    /// - Source: Bao et al. 2022, arXiv:2106.08254 (BEiT); Li et al. 2022, arXiv:2203.16527 (ViTDet).
    public func attention(heads: Int, bias: Variable) -> Variable {
        let (pictures, tokens, width) = (shape[0], shape[1], shape[2] / 3)
        let isShared = bias.shape == [heads, tokens, tokens]
        precondition(
            shape.count == 3 && shape[2] % (3 * heads) == 0
                && (isShared || bias.shape == [pictures, heads, tokens, tokens]),
            "attention: qkv \(shape), bias \(bias.shape) for \(heads) heads")
        let parts = AttentionParts(pictures: pictures, tokens: tokens, heads: heads, dim: width / heads, value.dtype)
        let (qkv, biases) = (value, bias.value)
        let probabilities = Tensor(uninitialized: [pictures, heads, tokens, tokens], qkv.dtype)
        let out = Tensor(uninitialized: [pictures, tokens, width], qkv.dtype)
        parts.forEach { task in
            let p = probabilities.raw + task * parts.square
            let scores = parts.product(
                tokens, tokens, parts.dim, parts.q(qkv, task), parts.k(qkv, task, transposed: true))
            let b = biases.raw + (isShared ? task % heads : task) * parts.square
            parts.table.pointee.scale(p, scores.raw, parts.scale, tokens * tokens)
            parts.table.pointee.add(p, p, b, tokens * tokens)
            parts.table.pointee.softmax(p, p, tokens, tokens)
            parts.store(
                parts.product(tokens, parts.dim, tokens, parts.view(p, tokens), parts.v(qkv, task)), into: out, task,
                part: 0, of: 1)
        }
        return .record(out, from: [self, bias]) { dout in
            let gradient = Tensor(uninitialized: qkv.shape, qkv.dtype)
            let scoreGradients = Tensor(uninitialized: probabilities.shape, qkv.dtype)
            parts.forEach { task in
                let p = probabilities.raw + task * parts.square
                let ds = scoreGradients.raw + task * parts.square
                let dv = parts.product(
                    tokens, parts.dim, tokens, parts.view(p, tokens, transposed: true),
                    parts.head(dout, task, part: 0, of: 1))
                let dp = parts.product(
                    tokens, tokens, parts.dim, parts.head(dout, task, part: 0, of: 1),
                    parts.v(qkv, task, transposed: true))
                parts.table.pointee.softmax_backward(ds, dp.raw, p, tokens, tokens)
                let dq = parts.product(tokens, parts.dim, tokens, parts.view(ds, tokens), parts.k(qkv, task))
                let dk = parts.product(
                    tokens, parts.dim, tokens, parts.view(ds, tokens, transposed: true), parts.q(qkv, task))
                for (part, tensor) in [dq, dk].enumerated() {
                    parts.table.pointee.scale(tensor.raw, tensor.raw, parts.scale, tensor.count)
                    parts.store(tensor, into: gradient, task, part: part, of: 3)
                }
                parts.store(dv, into: gradient, task, part: 2, of: 3)
            }
            guard isShared else { return [gradient, scoreGradients] }
            let shared = Tensor.zeros([heads, tokens, tokens], qkv.dtype)
            for picture in 0..<pictures { Elementwise.axpy(shared, scoreGradients.rows(picture..<picture + 1), 1) }
            return [gradient, shared]
        }
    }
}

/// Where the heads of packed projections lie.
struct AttentionParts {
    let pictures: Int
    let tokens: Int
    let heads: Int
    let dim: Int
    let dtype: DType

    init(pictures: Int, tokens: Int, heads: Int, dim: Int, _ dtype: DType) {
        (self.pictures, self.tokens, self.heads, self.dim, self.dtype) = (pictures, tokens, heads, dim, dtype)
    }

    var table: UnsafePointer<dmt_kernels> { Kernels.table(dtype) }
    var width: Int { heads * dim }
    /// Bytes of one head's scores.
    var square: Int { tokens * tokens * dtype.size }
    var scale: Double { 1 / Double(dim).squareRoot() }

    /// Runs a body for each picture and head.
    func forEach(_ body: (Int) -> Void) { Parallel.forEach(pictures * heads, body) }

    /// Head `task % heads` of picture `task / heads` in part `part` of `(N, T, parts · C)`.
    func head(_ tensor: Tensor, _ task: Int, part: Int, of parts: Int, transposed: Bool = false) -> MatrixView {
        let row = parts * width
        let start = task / heads * tokens * row + part * width + task % heads * dim
        return MatrixView(
            tensor.raw + start * dtype.size, rowStride: transposed ? 1 : row, columnStride: transposed ? row : 1)
    }

    func q(_ qkv: Tensor, _ task: Int) -> MatrixView { head(qkv, task, part: 0, of: 3) }
    func k(_ qkv: Tensor, _ task: Int, transposed: Bool = false) -> MatrixView {
        head(qkv, task, part: 1, of: 3, transposed: transposed)
    }
    func v(_ qkv: Tensor, _ task: Int, transposed: Bool = false) -> MatrixView {
        head(qkv, task, part: 2, of: 3, transposed: transposed)
    }

    func view(_ pointer: UnsafeMutableRawPointer, _ columns: Int, transposed: Bool = false) -> MatrixView {
        MatrixView(pointer, rowStride: transposed ? 1 : columns, columnStride: transposed ? columns : 1)
    }

    func product(_ m: Int, _ n: Int, _ k: Int, _ a: MatrixView, _ b: MatrixView) -> Tensor {
        let result = Tensor(uninitialized: [m, n], dtype)
        Gemm.multiply(dtype, m: m, n: n, k: k, a, b, into: result.raw)
        return result
    }

    /// Copies `(T, d)` to a head's place.
    func store(_ values: Tensor, into tensor: Tensor, _ task: Int, part: Int, of parts: Int) {
        let place = head(tensor, task, part: part, of: parts)
        for row in 0..<tokens {
            (place.pointer + row * place.rowStride * dtype.size).copyMemory(
                from: values.raw + row * dim * dtype.size, byteCount: dim * dtype.size)
        }
    }
}
