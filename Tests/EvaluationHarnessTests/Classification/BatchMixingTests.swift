import Determinism
import TensorCore
import Testing

@testable import EvaluationHarness

struct BatchMixingTests {
    private func batch(_ count: Int, side: Int = 8) -> Tensor {
        Tensor(
            (0..<count).flatMap { n in [Double](repeating: Double(n), count: side * side * 3) }, [count, side, side, 3]
        )
        .converted(to: .f32)
    }

    private func mixed(_ mixing: BatchMixing, count: Int = 4, seed: UInt64) -> (images: [Float], targets: [Float]) {
        let images = batch(count)
        var stream = RandomStream(seed: seed, purpose: "test")
        let targets = mixing(images, labels: (0..<count).map { Int32($0 % 3) }, classCount: 3, &stream)
        return (images.floats(), targets.floats())
    }

    @Test func smoothingAloneLeavesPictures() {
        var mixing = BatchMixing()
        mixing.smoothing = 0.3
        let (images, targets) = mixed(mixing, seed: 1)
        #expect(images == batch(4).floats())
        let expected: [Float] = [0.8, 0.1, 0.1, 0.1, 0.8, 0.1, 0.1, 0.1, 0.8, 0.8, 0.1, 0.1]
        #expect(zip(targets, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test(arguments: [4, 5])
    func mixupMixesLabelsAsPictures(_ count: Int) {
        var mixing = BatchMixing()
        mixing.mixup = 0.8
        for seed in 0..<20 as Range<UInt64> {
            let (images, targets) = mixed(mixing, count: count, seed: seed)
            // The first picture shows 0, its partner count - 1: the share of the partner can be read off.
            let share = images[0] / Float(count - 1)
            #expect((0...1).contains(share))
            let partner = (count - 1) % 3
            var expected: [Float] = [0, 0, 0]
            expected[0] += 1 - share
            expected[partner] += share
            #expect(zip(targets[0..<3], expected).allSatisfy { abs($0 - $1) < 1e-5 })
            #expect(abs(targets.reduce(0, +) - Float(count)) < 1e-4)
        }
    }

    @Test func cutmixCountsWhatItCut() {
        var mixing = BatchMixing()
        mixing.cutmix = 1
        var cut = 0
        for seed in 0..<20 as Range<UInt64> {
            let (images, targets) = mixed(mixing, seed: seed)
            let foreign = images[0..<192].filter { $0 == 3 }.count
            #expect(images[0..<192].allSatisfy { $0 == 0 || $0 == 3 })
            // Pictures 0 and 3 are both of class 0 here; 1 and 2 are not.
            #expect(abs(targets[3 + 1] - (1 - Float(foreign) / 192)) < 1e-5)
            #expect(abs(targets[3 + 2] - Float(foreign) / 192) < 1e-5)
            cut += foreign > 0 ? 1 : 0
        }
        #expect(cut > 10)
    }

    @Test(arguments: [0.2, 0.8, 1, 3])
    func betaHasItsMoments(_ alpha: Double) {
        var stream = RandomStream(seed: 4, purpose: "beta")
        let draws = (0..<20_000).map { _ in BatchMixing.beta(alpha, &stream) }
        let mean = draws.reduce(0, +) / 20_000
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean - 0.5) < 0.015)
        #expect(abs(variance - 1 / (4 * (2 * alpha + 1))) < 0.006)
    }
}
