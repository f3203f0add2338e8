import Autograd
import Foundation
import TensorCore
import Testing

@testable import Distillation

struct KernelAlignmentTests {
    /// By the definition over samples: `⟨HKH, HLH⟩ / (‖HKH‖ ‖HLH‖)`, centring the Gram matrices instead of the
    /// features.
    private func naive(_ x: Tensor, _ y: Tensor) -> Double {
        func kernel(_ x: Tensor) -> [[Double]] {
            let (n, d, v) = (x.shape[0], x.shape[1], x.doubles())
            let k = (0..<n).map { i in
                (0..<n).map { j in
                    (0..<d).reduce(0.0) { (sum: Double, c: Int) -> Double in sum + v[i * d + c] * v[j * d + c] }
                }
            }
            let rows = k.map { $0.reduce(0, +) / Double(n) }
            let all = rows.reduce(0, +) / Double(n)
            return (0..<n).map { i in (0..<n).map { j in k[i][j] - rows[i] - rows[j] + all } }
        }
        func dot(_ a: [[Double]], _ b: [[Double]]) -> Double {
            zip(a, b).reduce(0) { $0 + zip($1.0, $1.1).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        let (k, l) = (kernel(x), kernel(y))
        return dot(k, l) / (dot(k, k) * dot(l, l)).squareRoot()
    }

    @Test(arguments: [(30, 4, 6), (8, 12, 5), (20, 20, 3)])
    func bothFormsAreTheDefinition(_ sizes: (Int, Int, Int)) throws {
        let x = normals([sizes.0, sizes.1], seed: 1, offset: 2)
        let (values, noise) = (x.doubles(), normals([sizes.0, sizes.2], seed: 2).doubles())
        let mixed = (0..<sizes.0 * sizes.2).map { (at: Int) -> Double in
            let row = at / sizes.2
            return values[row * sizes.1 + at % sizes.2 % sizes.1] + noise[at]
        }
        let y = Tensor(mixed, [sizes.0, sizes.2])
        let expected = naive(x, y)
        let (a, b) = (KernelAlignment.centred(x), KernelAlignment.centred(y))
        #expect(abs(try #require(KernelAlignment.linear(x, y)) - expected) < 1e-12)
        #expect(abs(try #require(KernelAlignment.byChannels(a, b)) - expected) < 1e-12)
        #expect(abs(try #require(KernelAlignment.bySamples(a, b)) - expected) < 1e-12)
        #expect(expected > 0.01 && expected < 0.99)
    }

    @Test func rotationScaleAndShiftDoNotCount() throws {
        let x = normals([40, 3], seed: 5)
        let (v, angle) = (x.doubles(), 0.7)
        let turned = (0..<40).flatMap { i -> [Double] in
            let (a, b, c) = (v[i * 3], v[i * 3 + 1], v[i * 3 + 2])
            let first: Double = cos(angle) * a - sin(angle) * b
            let second: Double = sin(angle) * a + cos(angle) * b
            return [3 * first + 1, -3 * c, 3 * second - 5, 7]
        }
        #expect(abs(try #require(KernelAlignment.linear(x, x)) - 1) < 1e-12)
        #expect(abs(try #require(KernelAlignment.linear(x, Tensor(turned, [40, 4]))) - 1) < 1e-12)
        let rounded = x.converted(to: .f32).converted(to: .bf16)
        #expect(abs(try #require(KernelAlignment.linear(x, rounded)) - 1) < 1e-4)
        #expect(try #require(KernelAlignment.linear(x, normals([40, 3], seed: 6))) < 0.3)
    }

    @Test func nothingToCompareIsNil() {
        let x = normals([10, 3], seed: 5)
        #expect(KernelAlignment.linear(x, Tensor.full([10, 2], 0.1, .f64)) == nil)
        #expect(KernelAlignment.linear(x.rows(0..<1), x.rows(0..<1)) == nil)
    }
}
