import TensorCore
import Testing

@testable import Distillation

struct UnbiasedAlignmentTests {
    /// By the definition over Gram matrices (Song et al. 2012, equation 5), of features that are not centred.
    private func naive(_ x: Tensor, _ y: Tensor) -> Double {
        let n = x.shape[0]
        func kernel(_ x: Tensor) -> [[Double]] {
            let (d, v) = (x.shape[1], x.doubles())
            var kernel = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
            for i in 0..<n {
                for j in 0..<n where i != j {
                    for c in 0..<d { kernel[i][j] += v[i * d + c] * v[j * d + c] }
                }
            }
            return kernel
        }
        func independence(_ k: [[Double]], _ l: [[Double]]) -> Double {
            var (trace, shared) = (0.0, 0.0)
            for i in 0..<n {
                for j in 0..<n { trace += k[i][j] * l[j][i] }
                shared += k[i].reduce(0, +) * l[i].reduce(0, +)
            }
            let (a, b): (Double, Double) = (k.joined().reduce(0, +), l.joined().reduce(0, +))
            let m = Double(n)
            let means: Double = a * b / ((m - 1) * (m - 2))
            return (trace + means - 2 * shared / (m - 2)) / (m * (m - 3))
        }
        let (k, l) = (kernel(x), kernel(y))
        return independence(k, l) / (independence(k, k) * independence(l, l)).squareRoot()
    }

    @Test(arguments: [(30, 4, 6), (12, 15, 5), (20, 20, 3)])
    func theClosedFormIsTheDefinition(_ sizes: (Int, Int, Int)) throws {
        let x = normals([sizes.0, sizes.1], seed: 1, offset: 0.5)
        let (values, noise) = (x.doubles(), normals([sizes.0, sizes.2], seed: 2).doubles())
        let mixed = (0..<sizes.0 * sizes.2).map { (at: Int) -> Double in
            let row = at / sizes.2
            return values[row * sizes.1 + at % sizes.2 % sizes.1] + noise[at]
        }
        let y = Tensor(mixed, [sizes.0, sizes.2])
        let found = KernelAlignment.unbiased(.init(x), .init(y))
        #expect(abs(try #require(found) - naive(x, y)) < 1e-10)
        #expect(found != KernelAlignment.linear(x, y))
    }

    /// With fewer inputs than channels the plain estimate of independent features is near 1, this one near 0.
    @Test func independentFeaturesAreNotAlike() throws {
        var (sum, plain) = (0.0, 0.0)
        for seed in 0..<20 as Range<UInt64> {
            let (x, y) = (normals([24, 200], seed: 100 + seed), normals([24, 200], seed: 200 + seed))
            sum += try #require(KernelAlignment.unbiased(.init(x), .init(y)))
            plain += try #require(KernelAlignment.linear(x, y))
        }
        #expect(abs(sum / 20) < 0.05, "\(sum / 20)")
        #expect(plain / 20 > 0.8)
    }

    @Test func aSetIsLikeItselfAndAConstantLikeNothing() throws {
        let x = normals([40, 5], seed: 7, offset: 3)
        #expect(abs(try #require(KernelAlignment.unbiased(.init(x), .init(x))) - 1) < 1e-12)
        let moved = Tensor(x.doubles().map { 2 * $0 - 9 }, [40, 5])
        #expect(abs(try #require(KernelAlignment.unbiased(.init(x), .init(moved))) - 1) < 1e-10)
        #expect(KernelAlignment.unbiased(.init(x), .init(Tensor.full([40, 2], 3, .f64))) == nil)
    }
}
