import CKernels
import Determinism
import TensorCore

extension Variable {
    /// The squared difference of attention maps, the student's heads mixed to the teacher's number:
    ///
    ///     A = softmax(Q Kᵀ / √d)     for each picture and head
    ///     y = mean over pictures, teacher heads g, queries and keys of (Σ_h M_gh A_S,h − A_T,g)²
    ///
    /// `M` is a 1x1 convolution over heads, without bias. This value is `(N, T, 3C)`: q, k and v side by side, each `heads`
    /// blocks of `C / heads`. bfloat16 is widened first, its gradient rounded at the end. The gradients are made with the
    /// value, one picture at a time.
    ///
    /// - Parameters:
    ///   - teacher: `(N, T, 3C')` of any floating type, a constant.
    ///   - mixing: `M`, `(teacher heads, heads)`; without it the numbers of heads agree and `M` is 1.
    /// - Returns: a scalar; f32 where this value is bfloat16.
    /// - Complexity: memory of `2 (h_S + h_T) T²` values for each picture at work.
    /// - Source: Wang et al. 2023, arXiv:2205.14443 (MAE-Lite), as read in its code (`mae_lite_distill_exp.py`).
    public func attentionMapError(
        heads: Int, from teacher: Tensor, teacherHeads: Int, mixing: Variable? = nil
    ) -> Variable {
        let (inputType, dtype) = (value.dtype, value.dtype == .bf16 ? DType.f32 : value.dtype)
        let (mine, theirs) = (value.converted(to: dtype), teacher.converted(to: dtype))
        let (parts, others) = AttentionParts.pair(mine, theirs, heads: (heads, teacherHeads))
        precondition(
            mixing.map { $0.shape == [teacherHeads, heads] && $0.value.dtype == dtype } ?? (heads == teacherHeads),
            "attention maps: mixing \(mixing.map { $0.shape } ?? []) of \(heads) heads for \(teacherHeads)")
        let (pictures, square) = (parts.pictures, parts.tokens * parts.tokens)
        let mixer = mixing?.value
        let isTracked = isTracked || (mixing?.isTracked ?? false)
        let losses = Tensor(uninitialized: [pictures], .f64)
        let gradient = isTracked ? Tensor.zeros(shape, dtype) : nil
        let mixerParts =
            isTracked && mixer != nil ? Tensor(uninitialized: [pictures, teacherHeads * heads], dtype) : nil
        let (share, sums) = (1 / Double(pictures * teacherHeads * square), losses.f64())
        Parallel.forEach(pictures) { picture in
            let (maps, difference) = (parts.maps(mine, picture), others.maps(theirs, picture))
            let table = parts.table
            let mixed = mixer.map {
                parts.product(
                    teacherHeads, square, heads, MatrixView($0, width: heads), MatrixView(maps, width: square))
            }
            // A_T − M A_S: its sign is turned with the factor of the gradient.
            table.pointee.axpy(difference.raw, (mixed ?? maps).raw, -1, difference.count)
            sums[picture] = table.pointee.dot(difference.raw, difference.raw, difference.count)
            if let gradient {
                table.pointee.scale(difference.raw, difference.raw, -2 * share, difference.count)
                if let mixer, let mixerParts {
                    let part = mixerParts.rows(picture..<picture + 1)
                    Gemm.multiply(
                        dtype, m: teacherHeads, n: heads, k: square, MatrixView(difference, width: square),
                        MatrixView(maps, width: square, transposed: true), into: part.raw)
                    let reached = parts.product(
                        heads, square, teacherHeads, MatrixView(mixer, width: heads, transposed: true),
                        MatrixView(difference, width: square))
                    parts.storeGradient(ofMaps: reached, maps, mine, into: gradient, picture)
                } else {
                    parts.storeGradient(ofMaps: difference, maps, mine, into: gradient, picture)
                }
            }
            keepAlive(maps.storage, difference.storage)
            if let mixed { keepAlive(mixed.storage) }
        }
        let total = Kernels.table(.f64).pointee.sum(sums, pictures) * share
        keepAlive(losses.storage)
        let mixerGradient = mixerParts.map {
            Elementwise.columnSums($0, rows: pictures, columns: teacherHeads * heads).reshaped([teacherHeads, heads])
        }
        return .record(Tensor.full([], total, dtype), from: [self] + [mixing].compactMap { $0 }) { dy in
            let factor = Variable(dy).item()
            return [
                gradient.map { Elementwise.scaled($0, factor).converted(to: inputType) },
                mixerGradient.map { Elementwise.scaled($0, factor) },
            ]
        }
    }
}

extension AttentionParts {
    /// `softmax(Q Kᵀ / √d)` of every head of a picture, `(heads, T, T)`.
    fileprivate func maps(_ qkv: Tensor, _ picture: Int) -> Tensor {
        let result = Tensor(uninitialized: [heads, tokens, tokens], dtype)
        for head in 0..<heads {
            let scores = scores(qkv, picture * heads + head, .queryKey)
            table.pointee.softmax(result.raw + head * square, scores.raw, tokens, tokens)
            keepAlive(scores.storage)
        }
        keepAlive(result.storage)
        return result
    }

    /// From the gradient of a picture's maps, which is spent, to that of its queries and keys.
    fileprivate func storeGradient(
        ofMaps dmaps: Tensor, _ maps: Tensor, _ qkv: Tensor, into gradient: Tensor, _ picture: Int
    ) {
        table.pointee.softmax_backward(dmaps.raw, dmaps.raw, maps.raw, heads * tokens, tokens)
        table.pointee.scale(dmaps.raw, dmaps.raw, scale, dmaps.count)
        for head in 0..<heads {
            storeGradient(
                ofScores: dmaps.raw + head * square, qkv, into: gradient, picture * heads + head, .queryKey)
        }
        keepAlive(dmaps.storage, maps.storage)
    }
}
