import CKernels
import TensorCore
import TestSupport
import Testing

/// Which operand is stored transposed.
enum GemmForm: CaseIterable { case nn, nt, tn, tt }

@Suite struct GemmTests {
    // Below and above every path's tile (mr 4, 6, 12; nr 8, 16, 32), several blocks of rows and columns, one to three of
    // depth, rows that lie 4096 bytes apart.
    static let shapes = [
        (1, 1, 1), (2, 3, 1), (12, 32, 7), (13, 33, 16), (145, 31, 9), (150, 70, 40), (5, 40, 257), (7, 9, 520),
        (300, 5, 3),
        (24, 64, 256), (1, 100, 513), (13, 40, 2500), (500, 300, 8), (30, 33, 1024),
        // Read in place where both operands are contiguous across k: whole panels, ragged tiles, one to three blocks of depth.
        (29, 64, 19), (100, 96, 300), (192, 32, 700),
    ]

    private struct Product {
        let c: [Double]
        /// Σ|aᵢbᵢ| of each value.
        let magnitude: [Double]
    }

    private func naive(_ m: Int, _ n: Int, _ k: Int, _ a: (Int, Int) -> Double, _ b: (Int, Int) -> Double) -> Product {
        var (c, magnitude) = ([Double](), [Double]())
        for i in 0..<m {
            for j in 0..<n {
                let products = (0..<k).map { a(i, $0) * b($0, j) }
                c.append(products.reduce(0, +))
                magnitude.append(products.reduce(0) { $0 + abs($1) })
            }
        }
        return Product(c: c, magnitude: magnitude)
    }

    private func operands(_ form: GemmForm, _ m: Int, _ n: Int, _ k: Int, _ dtype: DType) -> (
        a: Tensor, b: Tensor, va: MatrixView, vb: MatrixView, product: Product
    ) {
        var maker = TensorMaker("gemm \(form) \(m) \(n) \(k)")
        let ta = form == .tn || form == .tt
        let tb = form == .nt || form == .tt
        let a = (ta ? maker.normal(k, m) : maker.normal(m, k)).converted(to: dtype)
        let b = (tb ? maker.normal(n, k) : maker.normal(k, n)).converted(to: dtype)
        let (av, bv) = (a.doubles(), b.doubles())
        let product = naive(
            m, n, k, { ta ? av[$1 * m + $0] : av[$0 * k + $1] }, { tb ? bv[$1 * k + $0] : bv[$0 * n + $1] })
        return (
            a, b, MatrixView(a, width: ta ? m : k, transposed: ta), MatrixView(b, width: tb ? k : n, transposed: tb),
            product
        )
    }

    private func bound(_ dtype: DType, _ k: Int, _ magnitude: Double) -> Double {
        let single = Tolerance.dotProduct(terms: k, magnitude: magnitude)
        return dtype == .f32 ? single : single * 0x1p-29
    }

    @Test(arguments: [DType.f32, .f64], GemmForm.allCases) func everyFormMatchesTheNaiveLoop(
        dtype: DType, form: GemmForm
    ) {
        for (m, n, k) in Self.shapes {
            let (a, b, va, vb, product) = operands(form, m, n, k, dtype)
            let c = Tensor.full([m, n], .nan, dtype)
            Gemm.multiply(dtype, m: m, n: n, k: k, va, vb, into: c.raw)
            let difference = Comparison(c.doubles(), product.c) { bound(dtype, k, product.magnitude[$0]) }
            #expect(difference.isWithinBounds, "\(form) \(dtype) \(m)x\(n)x\(k): \(difference)")
            // Strides of one column or row leave the leading size of the twin open.
            if min(m, n, k) > 1 {
                let twin = Tensor.zeros([m, n], dtype)
                Gemm.openBLAS(dtype, m: m, n: n, k: k, va, vb, into: twin.raw)
                let against = Comparison(c.doubles(), twin.doubles()) { 2 * bound(dtype, k, product.magnitude[$0]) }
                #expect(against.isWithinBounds, "OpenBLAS, \(form) \(dtype) \(m)x\(n)x\(k): \(against)")
            }
            keepAlive(a.storage, b.storage)
        }
    }

    @Test(arguments: [DType.f32, .f64], GemmForm.allCases) func accumulatingAddsToWhatIsThere(
        dtype: DType, form: GemmForm
    ) {
        for (m, n, k) in Self.shapes {
            let (a, b, va, vb, product) = operands(form, m, n, k, dtype)
            var maker = TensorMaker("start")
            let start = maker.normal(m, n).converted(to: dtype)
            let c = start.copy()
            Gemm.multiply(dtype, m: m, n: n, k: k, va, vb, into: c.raw, accumulate: true)
            let before = start.doubles()
            let expected = zip(before, product.c).map(+)
            let difference = Comparison(c.doubles(), expected) {
                bound(dtype, k + 1, product.magnitude[$0] + abs(before[$0]))
            }
            #expect(difference.isWithinBounds, "\(form) \(dtype) \(m)x\(n)x\(k): \(difference)")
            keepAlive(a.storage, b.storage)
        }
    }

    @Test(arguments: [DType.f32, .f64]) func theEpilogueRunsOnceOnTheWholeSum(dtype: DType) {
        for (m, n, k) in Self.shapes {
            let (a, b, va, vb, product) = operands(.nt, m, n, k, dtype)
            var maker = TensorMaker("epilogue")
            let (bias, residual) = (maker.normal(n).converted(to: dtype), maker.normal(m, n).converted(to: dtype))
            let (c, pre) = (Tensor.zeros([m, n], dtype), Tensor.full([m, n], .nan, dtype))
            Gemm.multiply(
                dtype, m: m, n: n, k: k, va, vb, into: c.raw,
                epilogue: GemmEpilogue(bias: bias.raw, activation: DMT_ACT_RELU, pre: pre.raw, residual: residual.raw))
            let (bv, rv) = (bias.doubles(), residual.doubles())
            let z = product.c.indices.map { product.c[$0] + bv[$0 % n] }
            let y = z.indices.map { max(z[$0], 0) + rv[$0] }
            func limit(_ i: Int) -> Double { bound(dtype, k + 2, product.magnitude[i] + abs(bv[i % n]) + abs(rv[i])) }
            let (first, second) = (Comparison(pre.doubles(), z, bound: limit), Comparison(c.doubles(), y, bound: limit))
            #expect(first.isWithinBounds && second.isWithinBounds, "\(dtype) \(m)x\(n)x\(k): \(first), \(second)")
            keepAlive(a.storage, b.storage, bias.storage, residual.storage)
        }
    }

    /// Columns of a wider matrix as an operand, as attention and slices use it.
    @Test func stridedOperandsAreReadInPlace() {
        var maker = TensorMaker("strided")
        let (wide, other) = (maker.normal(9, 20), maker.normal(30, 11))
        let (w, o) = (wide.doubles(), other.doubles())
        let product = naive(9, 11, 6, { w[$0 * 20 + 3 + $1] }, { o[($0 * 5) * 11 + $1] })
        let c = Tensor.zeros([9, 11], .f64)
        Gemm.multiply(
            .f64, m: 9, n: 11, k: 6, MatrixView(wide.raw + 3 * 8, rowStride: 20), MatrixView(other.raw, rowStride: 55),
            into: c.raw)
        let difference = Comparison(c.doubles(), product.c) { bound(.f64, 6, product.magnitude[$0]) }
        #expect(difference.isWithinBounds, "\(difference)")
        keepAlive(wide.storage, other.storage)
    }

    /// Both operands rounded to nearest even, products exact, sums in float.
    @Test(arguments: [GemmForm.nn, .nt]) func bfloat16ProductsMatchNaiveRounding(form: GemmForm) {
        for (m, n, k) in Self.shapes {
            let (a, b, va, vb, _) = operands(form, m, n, k, .f32)
            let (av, bv) = (
                a.converted(to: .bf16).converted(to: .f32).doubles(),
                b.converted(to: .bf16).converted(to: .f32).doubles()
            )
            let product = naive(m, n, k, { av[$0 * k + $1] }, { form == .nt ? bv[$1 * k + $0] : bv[$0 * n + $1] })
            var maker = TensorMaker("bias")
            let bias = maker.normal(n).converted(to: .f32)
            let c = Tensor.full([m, n], .nan)
            Gemm.multiply(
                .f32, m: m, n: n, k: k, va, vb, into: c.raw, epilogue: GemmEpilogue(bias: bias.raw), bf16: true)
            let add = bias.doubles()
            let expected = product.c.indices.map { product.c[$0] + add[$0 % n] }
            let difference = Comparison(c.doubles(), expected) {
                bound(.f32, k + 1, product.magnitude[$0] + abs(add[$0 % n]))
            }
            #expect(difference.isWithinBounds, "\(form) \(m)x\(n)x\(k): \(difference)")
            keepAlive(a.storage, b.storage, bias.storage)
        }
    }
}
