import Determinism
import TensorCore
import TestSupport
import Testing

/// Tiles of 2x2 results beside the nine products of the definition.
@Suite struct TiledConvolutionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let pictures: Int
        let height: Int
        let width: Int
        let inputs: Int
        let outputs: Int

        init(_ pictures: Int, _ height: Int, _ width: Int, _ inputs: Int, _ outputs: Int) {
            (self.pictures, self.height, self.width) = (pictures, height, width)
            (self.inputs, self.outputs) = (inputs, outputs)
        }

        var testDescription: String { "\(pictures)x\(height)x\(width), \(inputs) to \(outputs)" }

        func convolution(_ dtype: DType, bf16: Bool = false) -> TiledConvolution {
            TiledConvolution(
                pictures: pictures, height: height, width: width, inputs: inputs, outputs: outputs, dtype: dtype,
                bf16: bf16)
        }
    }

    /// Odd and even sides, one pixel, several tasks, several chunks of results, several blocks of channels, several blocks
    /// of tiles for the weights.
    static let cases = [
        Case(2, 5, 6, 3, 7), Case(1, 1, 1, 5, 4), Case(3, 2, 7, 33, 2), Case(2, 30, 29, 4, 37), Case(1, 4, 4, 6, 300),
        Case(1, 3, 4, 1100, 9), Case(1, 3, 5, 8, 1030), Case(2, 41, 36, 3, 2),
    ]

    private func pixel(_ x: [Double], _ c: Case, _ channels: Int, _ n: Int, _ y: Int, _ xx: Int, _ i: Int) -> Double {
        if y < 0 || xx < 0 || y >= c.height || xx >= c.width { return 0 }
        return x[((n * c.height + y) * c.width + xx) * channels + i]
    }

    private func forEach(_ c: Case, _ body: (_ n: Int, _ y: Int, _ x: Int, _ o: Int) -> Void) {
        for n in 0..<c.pictures {
            for y in 0..<c.height {
                for x in 0..<c.width {
                    for o in 0..<c.outputs { body(n, y, x, o) }
                }
            }
        }
    }

    private func naive(_ x: [Double], _ w: [Double], _ c: Case) -> [Double] {
        var result: [Double] = []
        forEach(c) { n, y, xx, o in
            var total = 0.0
            for i in 0..<c.inputs {
                for tap in 0..<9 {
                    let value = pixel(x, c, c.inputs, n, y + tap / 3 - 1, xx + tap % 3 - 1, i)
                    total += value * w[(o * c.inputs + i) * 9 + tap]
                }
            }
            result.append(total)
        }
        return result
    }

    /// `Σ |A|ᵀ [(|G| |g| |G|ᵀ) ∘ (|B|ᵀ |d| |B|)] |A|`: what the rounding errors of a result are shares of.
    private func magnitudes(_ x: [Double], _ w: [Double], _ c: Case) -> [Double] {
        let g: [[Double]] = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0, 0, 1]]
        let b: [[Double]] = [[1, 0, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 0, 1]]
        let a: [[Double]] = [[1, 1, 1, 0], [0, 1, 1, 1]]
        func weight(_ place: Int, _ o: Int, _ i: Int) -> Double {
            (0..<9).reduce(0) {
                $0 + g[place / 4][$1 / 3] * g[place % 4][$1 % 3] * abs(w[(o * c.inputs + i) * 9 + $1])
            }
        }
        func tile(_ place: Int, _ n: Int, _ top: Int, _ left: Int, _ i: Int) -> Double {
            (0..<16).reduce(0) {
                $0 + b[place / 4][$1 / 4] * b[place % 4][$1 % 4]
                    * abs(pixel(x, c, c.inputs, n, top + $1 / 4 - 1, left + $1 % 4 - 1, i))
            }
        }
        var result: [Double] = []
        forEach(c) { n, y, xx, o in
            var total = 0.0
            for place in 0..<16 {
                let share = a[y % 2][place / 4] * a[xx % 2][place % 4]
                if share == 0 { continue }
                for i in 0..<c.inputs {
                    total += share * weight(place, o, i) * tile(place, n, y / 2 * 2, xx / 2 * 2, i)
                }
            }
            result.append(total)
        }
        return result
    }

    private func operands(_ c: Case, _ dtype: DType) -> (x: Tensor, w: Tensor, bias: Tensor, dy: Tensor) {
        var maker = TensorMaker("tiles \(c.testDescription)")
        return (
            maker.normal(c.pictures, c.height, c.width, c.inputs).converted(to: dtype),
            maker.normal(c.outputs, c.inputs, 3, 3).converted(to: dtype), maker.normal(c.outputs).converted(to: dtype),
            maker.normal(c.pictures, c.height, c.width, c.outputs).converted(to: dtype)
        )
    }

    private func applied(_ c: Case, _ dtype: DType, bf16: Bool = false) -> [Double] {
        let (x, w, _, _) = operands(c, dtype)
        let y = Tensor.full([c.pictures, c.height, c.width, c.outputs], .nan, dtype)
        c.convolution(dtype, bf16: bf16).apply(x.raw, weight: w.raw, into: y.raw)
        keepAlive(x.storage, w.storage)
        return y.doubles()
    }

    /// Each transformed value takes at most four roundings a factor and each result six more, beside those of the sum over
    /// channels; bfloat16 rounds both factors once more, by 2⁻⁹ each.
    @Test(
        arguments: cases.filter { $0.pictures * $0.height * $0.width * $0.inputs * $0.outputs < 200_000 },
        [false, true])
    func singlePrecisionStaysWithinItsBound(_ c: Case, bf16: Bool) {
        let (x, w, _, _) = operands(c, .f32)
        let (xs, ws) = (x.doubles(), w.doubles())
        let magnitude = magnitudes(xs, ws, c)
        let found = Comparison(applied(c, .f32, bf16: bf16), naive(xs, ws, c)) {
            Tolerance.dotProduct(terms: c.inputs + 14, magnitude: magnitude[$0])
                + (bf16 ? 0x1.01p-8 * magnitude[$0] : 0)
        }
        #expect(found.isWithinBounds, "\(found)")
    }

    @Test(arguments: cases) func biasAndReLUFollow(_ c: Case) {
        let (x, w, bias, _) = operands(c, .f64)
        let (expected, biases) = (naive(x.doubles(), w.doubles(), c), bias.doubles())
        for relu in [false, true] {
            let y = Tensor.full([c.pictures, c.height, c.width, c.outputs], .nan, .f64)
            c.convolution(.f64).apply(x.raw, weight: w.raw, bias: bias.raw, relu: relu, into: y.raw)
            let whole = expected.indices.map { index in
                let value = expected[index] + biases[index % c.outputs]
                return relu ? max(value, 0) : value
            }
            let found = Comparison(y.doubles(), whole, tolerance: Tolerance.twinDouble)
            #expect(found.isWithinBounds, "\(relu): \(found)")
        }
        keepAlive(x.storage, w.storage, bias.storage)
    }

    @Test(arguments: cases) func gradientsAreThoseOfTheDefinition(_ c: Case) {
        let (x, w, _, dy) = operands(c, .f64)
        let (xs, ws, slopes) = (x.doubles(), w.doubles(), dy.doubles())
        var (dx, dw) = ([Double](repeating: 0, count: xs.count), [Double](repeating: 0, count: ws.count))
        var at = 0
        forEach(c) { n, y, xx, o in
            defer { at += 1 }
            for tap in 0..<9 {
                let (row, column) = (y + tap / 3 - 1, xx + tap % 3 - 1)
                if row < 0 || column < 0 || row >= c.height || column >= c.width { continue }
                let first = ((n * c.height + row) * c.width + column) * c.inputs
                for i in 0..<c.inputs {
                    let weight = (o * c.inputs + i) * 9 + tap
                    dx[first + i] += slopes[at] * ws[weight]
                    dw[weight] += slopes[at] * xs[first + i]
                }
            }
        }
        let (dxFound, dwFound) = (Tensor.full(x.shape, .nan, .f64), Tensor.full(w.shape, .nan, .f64))
        c.convolution(.f64).inputGradient(dy.raw, weight: w.raw, into: dxFound.raw)
        c.convolution(.f64).weightGradient(x.raw, dy.raw, into: dwFound.raw)
        keepAlive(x.storage, w.storage, dy.storage)
        for (name, found, expected) in [("dx", dxFound, dx), ("dw", dwFound, dw)] {
            let difference = Comparison(found.doubles(), expected, tolerance: Tolerance.twinDouble)
            #expect(difference.isWithinBounds, "\(name): \(difference)")
        }
    }

    @Test func bytesDoNotDependOnThreads() {
        let c = Case(2, 41, 36, 40, 150)
        let (x, w, _, dy) = operands(c, .f32)
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        for bf16 in [false, true] {
            let results = [1, 2, 4].map { threads in
                Parallel.setThreadCount(threads)
                let (y, dx, dw) = (Tensor.zeros(dy.shape), Tensor.zeros(x.shape), Tensor.zeros(w.shape))
                let convolution = c.convolution(.f32, bf16: bf16)
                convolution.apply(x.raw, weight: w.raw, into: y.raw)
                convolution.inputGradient(dy.raw, weight: w.raw, into: dx.raw)
                convolution.weightGradient(x.raw, dy.raw, into: dw.raw)
                return [y.floats(), dx.floats(), dw.floats()]
            }
            #expect(results[0] == results[1] && results[0] == results[2])
        }
        keepAlive(x.storage, w.storage, dy.storage)
    }
}
