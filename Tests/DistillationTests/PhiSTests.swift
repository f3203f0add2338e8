import Autograd
import TensorCore
import TestSupport
import Testing

@testable import Distillation

struct PhiSTests {
    /// Channels of very different size that depend on each other.
    private func tokens(_ rows: Int, _ width: Int, seed: UInt64) -> Tensor {
        let mixer = normals([width, width], seed: 40).doubles().enumerated().map { $1 * (1 + Double($0 % width)) }
        let x = Variable(normals([rows, width], seed: seed)).linear(Variable(Tensor(mixer, [width, width])))
        return x.addingRows(Variable(normals([width], seed: 41, scale: 3))).value
    }

    private func covariance(_ x: Tensor) -> (mean: [Double], entries: [Double]) {
        let (values, rows, columns) = (x.doubles(), x.shape[0], x.shape[1])
        let mean = (0..<columns).map { c in
            (0..<rows).reduce(0.0) { $0 + values[$1 * columns + c] } / Double(rows)
        }
        var entries = [Double](repeating: 0, count: columns * columns)
        for i in 0..<columns {
            for j in 0..<columns {
                entries[i * columns + j] =
                    (0..<rows).reduce(0.0) {
                        $0 + (values[$1 * columns + i] - mean[i]) * (values[$1 * columns + j] - mean[j])
                    } / Double(rows)
            }
        }
        return (mean, entries)
    }

    @Test(arguments: [1, 2, 4, 8, 12, 20, 28, 36, 96, 144, 192, 384]) func hadamardRowsAreOrthogonal(_ order: Int)
        throws
    {
        #expect(HadamardMatrix.exists(order: order))
        let h = try HadamardMatrix.normalized(order: order)
        let (values, scale) = (h.doubles(), 1 / Double(order).squareRoot())
        #expect(values.allSatisfy { abs(abs($0) - scale) < 1e-15 })
        let gram = Variable(h).linear(Variable(h)).value.doubles()
        for i in 0..<order {
            for j in 0..<order { #expect(abs(gram[i * order + j] - (i == j ? 1 : 0)) < 1e-12) }
        }
    }

    @Test func widthsOfVisionTransformersHaveOne() {
        for order in [96, 128, 192, 384, 768, 1024, 1152, 1280, 1408, 1536] {
            #expect(HadamardMatrix.exists(order: order), "\(order)")
        }
        for order in [-4, 0, 3, 6, 92, 102, 116] { #expect(!HadamardMatrix.exists(order: order), "\(order)") }
        #expect(throws: HadamardMatrix.Unsupported(order: 92)) { try HadamardMatrix.normalized(order: 92) }
        let text = HadamardMatrix.Unsupported(order: 92).description
        #expect(text.contains("88") && text.contains("96"))
    }

    @Test func everyChannelHasVarianceOne() {
        let x = tokens(500, 12, seed: 1)
        let standardizer = TargetStandardizer(.phiS(batches: 1), channels: 12)
        let y = standardizer.standardized(x, .training)
        let (mean, entries) = covariance(y)
        for c in 0..<12 {
            #expect(abs(mean[c]) < 1e-5 && abs(entries[c * 12 + c] - 1) < 1e-5)
        }
        // Distances keep their proportions: it is no whitening.
        let largest = entries.enumerated().filter { $0.offset % 13 != 0 }.map { abs($0.element) }.max()!
        #expect(largest > 0.05)
        let back = standardizer.rotation!.restored(y)
        let difference = Comparison(back.doubles(), x.doubles(), tolerance: 1e-6)
        #expect(difference.isWithinBounds, "\(difference)")
    }

    @Test func fittingEndsAndIsSaved() throws {
        let first = TargetStandardizer(.phiS(batches: 5), channels: 8)
        let early = first.standardized(tokens(50, 8, seed: 9), .evaluation)
        #expect(early.doubles() == tokens(50, 8, seed: 9).doubles())
        var transforms: [[Float]] = []
        for seed in 0..<7 {
            _ = first.standardized(tokens(50, 8, seed: UInt64(seed)), .training)
            transforms.append(first.rotation!.transform.floats())
        }
        // New after batches 1, 2, 4 and 5.
        let changes = (1..<7).map { transforms[$0] != transforms[$0 - 1] }
        #expect(changes == [true, false, true, true, false, false])
        #expect(first.rotation!.updateCount == 5)
        let state = first.state()
        #expect(
            state.keys.sorted() == ["rotation.covariance", "rotation.mean", "rotation.transform", "rotation.updates"])
        let second = TargetStandardizer(.phiS(batches: 5), channels: 8)
        try second.load(state, from: "test")
        let next = tokens(50, 8, seed: 77)
        #expect(first.standardized(next, .training).doubles() == second.standardized(next, .evaluation).doubles())
    }

    @Test func fittedMomentsAreThoseOfAllTokens() {
        let standardizer = TargetStandardizer(.phiS(batches: 4), channels: 4)
        var all: [Double] = []
        for seed in 0..<4 {
            let x = tokens(30, 4, seed: UInt64(seed))
            all += x.doubles()
            _ = standardizer.standardized(x, .training)
        }
        let (mean, entries) = covariance(Tensor(all, [120, 4]))
        let rotation = standardizer.rotation!
        #expect(Comparison(rotation.mean.doubles(), mean, tolerance: 1e-6).isWithinBounds)
        #expect(Comparison(rotation.covariance.doubles(), entries, tolerance: 1e-6).isWithinBounds)
        let kept = rotation.mean.floats()
        let fresh = TargetStandardizer(.phiS(batches: 9), channels: 4)
        _ = fresh.standardized(Tensor([Double.nan, 1, 2, 3], [1, 4]), .training)
        #expect(fresh.rotation!.updateCount == 0 && rotation.mean.floats() == kept)
    }

    @Test func tokensThatNeverVaryStayFinite() {
        let same = Tensor([Double](repeating: 2, count: 40), [10, 4])
        let y = TargetStandardizer(.phiS(), channels: 4).standardized(same, .training)
        #expect(y.doubles().allSatisfy { abs($0) < 1e-6 })
    }

    @Test(arguments: [1, 2, 3, 5, 17, 64, 97]) func eigenvectorsDiagonalize(_ n: Int) {
        let x = normals([n, n], seed: UInt64(n))
        let a = Variable(x).linear(Variable(x)).value
        let parts = SymmetricEigendecomposition(a)
        #expect(parts.values == parts.values.sorted())
        let (u, scale) = (parts.vectors, a.doubles().map(abs).max()!)
        let vectors = u.doubles()
        let (gram, product) = (
            Variable(u).linear(Variable(u)).value.doubles(), Variable(u).linear(Variable(a)).value.doubles()
        )
        for i in 0..<n {
            for j in 0..<n {
                #expect(abs(gram[i * n + j] - (i == j ? 1 : 0)) < 1e-12)
                #expect(abs(product[i * n + j] - parts.values[i] * vectors[i * n + j]) < 1e-12 * scale * Double(n))
            }
        }
    }

    @Test func eigenvaluesOfPlainMatrices() {
        let ones = SymmetricEigendecomposition(Tensor([Double](repeating: 1, count: 25), [5, 5]))
        #expect(ones.values.dropLast().allSatisfy { abs($0) < 1e-14 } && abs(ones.values[4] - 5) < 1e-14)
        let diagonal = SymmetricEigendecomposition(Tensor([3.0, 0, 0, 0, -1, 0, 0, 0, 3], [3, 3]))
        #expect(diagonal.values == [-1, 3, 3] && diagonal.vectors.doubles() == [0, 1, 0, 1, 0, 0, 0, 0, 1])
        #expect(SymmetricEigendecomposition(Tensor.zeros([4, 4], .f64)).values == [0, 0, 0, 0])
    }
}
