import CKernels
import Foundation
import TensorCore
import Testing

/// The CPU paths that this machine runs.
enum CPUPaths {
    static let supported: [String] = Kernels.pathNames.filter { dmt_select_path($0) >= 0 }

    static func table(_ name: String) -> UnsafePointer<dmt_kernels> { dmt_kernels_f32(dmt_select_path(name)) }
}

/// Elementary functions in f32 against Double, on every path.
@Suite struct KernelAccuracyTests {
    private func grid(_ range: ClosedRange<Double>, _ count: Int = 200_001) -> [Float] {
        (0..<count).map {
            Float(range.lowerBound + (range.upperBound - range.lowerBound) * Double($0) / Double(count - 1))
        }
    }

    /// Error in units of the last place of the exact result rounded to float.
    private func ulps(_ found: Float, _ exact: Double) -> Double {
        abs(Double(found) - exact) / Double(Float(exact).ulp)
    }

    private func worst(_ inputs: [Float], _ found: [Float], _ error: (Float, Float) -> Double) -> (Double, Float) {
        zip(inputs, found).reduce((0, 0)) { best, pair in
            let size = error(pair.0, pair.1)
            return size > best.0 || size.isNaN ? (size.isNaN ? .infinity : size, pair.0) : best
        }
    }

    /// exp as the kernels use it: the log-softmax backward of a row (x, 0) under the gradient (0, 1) is (-exp(x), ...).
    private func exponentials(_ path: String, _ xs: [Float]) -> [Float] {
        let y = Tensor(xs.flatMap { [$0, 0] }, [xs.count, 2])
        let dy = Tensor(xs.flatMap { _ in [Float(0), 1] }, [xs.count, 2])
        let dx = Tensor.zeros([xs.count, 2])
        CPUPaths.table(path).pointee.log_softmax_backward(dx.raw, dy.raw, y.raw, xs.count, 2)
        return xs.indices.map { -dx.f32()[2 * $0] }
    }

    @Test(arguments: CPUPaths.supported) func expIsWithinOneAndAHalfUlps(path: String) {
        let xs = grid(-87...88)
        let (error, x) = worst(xs, exponentials(path, xs)) { ulps($1, exp(Double($0))) }
        #expect(error <= 1.5, "\(path): \(error) ulps at \(x)")
    }

    @Test(arguments: CPUPaths.supported) func expIsClampedOutside(path: String) {
        let found = exponentials(path, [-1000, -.infinity, 200, .infinity])
        #expect(found[0] == found[1] && found[0] > 0 && found[0] < 1.7e-38)
        #expect(found[2] == found[3] && found[2].isFinite && found[2] > 1.6e38)
    }

    private func gelu(_ path: String, _ xs: [Float]) -> [Float] {
        let y = Tensor(xs, [xs.count])
        CPUPaths.table(path).pointee.epilogue(
            1, xs.count, y.raw, xs.count, nil, Int32(DMT_ACT_GELU.rawValue), nil, nil, y.raw, xs.count)
        return y.floats()
    }

    /// The error function by gelu(√2 t) = t/√2 · (1 + erf t); the bound is relative to |x|, since 1 + erf cancels
    /// below 0.
    @Test(arguments: CPUPaths.supported) func geluIsWithinTwoRoundingsOfItsArgument(path: String) {
        let xs = grid(-12...12)
        let (error, x) = worst(xs, gelu(path, xs)) { x, y in
            let exact = 0.5 * Double(x) * erfc(-Double(x) / 2.0.squareRoot())
            return abs(Double(y) - exact) / (abs(Double(x)) * Double(Float.ulpOfOne) + 1e-30)
        }
        #expect(error <= 2, "\(path): \(error) times 2^-23 |x| at \(x)")
    }

    @Test(arguments: CPUPaths.supported) func geluSlopeIsWithinFourRoundings(path: String) {
        let xs = grid(-12...12)
        let (z, dz) = (Tensor(xs, [xs.count]), Tensor.zeros([xs.count]))
        let one = Tensor.full([xs.count], 1)
        CPUPaths.table(path).pointee.activation_backward(
            dz.raw, one.raw, z.raw, Int32(DMT_ACT_GELU.rawValue), xs.count)
        let (error, x) = worst(xs, dz.floats()) { x, y in
            let x = Double(x)
            let exact = 0.5 * erfc(-x / 2.0.squareRoot()) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
            return abs(Double(y) - exact) / Double(Float.ulpOfOne)
        }
        #expect(error <= 4, "\(path): \(error) times 2^-23 at \(x)")
    }

    @Test(arguments: CPUPaths.supported) func sigmoidIsWithinThreeUlps(path: String) {
        let xs = grid(-80...80)
        let (x, y) = (Tensor(xs, [xs.count]), Tensor.zeros([xs.count]))
        CPUPaths.table(path).pointee.sigmoid(y.raw, x.raw, xs.count)
        let (error, at) = worst(xs, y.floats()) { ulps($1, 1 / (1 + exp(-Double($0)))) }
        #expect(error <= 3, "\(path): \(error) ulps at \(at)")
    }

    @Test(arguments: CPUPaths.supported) func notANumberPassesThrough(path: String) {
        for count in [1, 37] {
            let bad = [Float](repeating: .nan, count: count)
            #expect(gelu(path, bad).allSatisfy(\.isNaN) && exponentials(path, bad).allSatisfy(\.isNaN))
        }
    }

    /// Sums keep Double inside: a million tenths would lose three digits in float.
    @Test(arguments: CPUPaths.supported) func sumsAccumulateInDouble(path: String) {
        let tenths = Tensor.full([1_000_003], 0.1)
        let expected = Double(Float(0.1)) * 1_000_003
        #expect(abs(CPUPaths.table(path).pointee.sum(tenths.raw, 1_000_003) - expected) < 1e-6)
        let square = Double(Float(0.1)) * Double(Float(0.1)) * 1_000_003
        #expect(abs(CPUPaths.table(path).pointee.dot(tenths.raw, tenths.raw, 1_000_003) - square) < 1e-6)
    }
}
