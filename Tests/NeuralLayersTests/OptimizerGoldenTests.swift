import Foundation
import NeuralLayers
import TensorCore
import TestSupport
import Testing

/// Ten steps beside torch.optim.AdamW; `Tests/Fixtures/optim/generate.py` made the numbers, in double.
@Suite struct OptimizerGoldenTests {
    private struct Golden: Decodable {
        let weight: [Double], bias: [Double]
        let weight_gradients: [[Double]], bias_gradients: [[Double]]
        let free: Steps, clipped: Steps

        struct Steps: Decodable { let weight: [[Double]], bias: [[Double]] }

        static func read() throws -> Golden {
            let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            return try JSONDecoder().decode(
                Golden.self, from: Data(contentsOf: tests.appendingPathComponent("Fixtures/optim/adamw.json")))
        }
    }

    @Test(arguments: [DType.f64, .f32], [nil, 4.0]) func tenSteps(_ dtype: DType, _ clip: Double?) throws {
        let golden = try Golden.read()
        let weight = Parameter(Tensor(golden.weight, [5, 7]).converted(to: dtype))
        let bias = Parameter(Tensor(golden.bias, [7]).converted(to: dtype))
        let optimizer = AdamW(
            [
                ParameterGroup([weight], weightDecay: 0.1),
                ParameterGroup([bias], learningRateScale: 0.5),
            ], betas: (0.9, 0.95))
        let expected = clip == nil ? golden.free : golden.clipped
        // Ten updates of size 0.02, each with a few roundings of values of size 1.
        let tolerance = dtype == .f64 ? 1e-12 : 2e-6
        for step in 0..<10 {
            optimizer.zeroGradients()
            try #require(weight.gradient).assign(Tensor(golden.weight_gradients[step], [5, 7]).converted(to: dtype))
            try #require(bias.gradient).assign(Tensor(golden.bias_gradients[step], [7]).converted(to: dtype))
            let outcome = optimizer.step(learningRate: 0.02, clipNorm: clip)
            let squares = (golden.weight_gradients[step] + golden.bias_gradients[step]).reduce(0) { $0 + $1 * $1 }
            #expect(outcome.isApplied && abs(outcome.gradientNorm - squares.squareRoot()) < 1e-5 * squares.squareRoot())
            for (parameter, wanted) in [(weight, expected.weight[step]), (bias, expected.bias[step])] {
                let comparison = Comparison(parameter.value.doubles(), wanted, tolerance: tolerance)
                #expect(comparison.isWithinBounds, "step \(step): \(comparison)")
            }
        }
        #expect(optimizer.stepCount == 10)
    }

    /// Clipping changes the result, so the two goldens are not one.
    @Test func theGoldensDiffer() throws {
        let golden = try Golden.read()
        #expect(golden.free.weight[9] != golden.clipped.weight[9])
    }

    @Test func stepsWithoutFiniteGradientsChangeNothing() throws {
        let parameter = Parameter(Tensor([1, 2, 3] as [Double], [3]))
        let optimizer = AdamW([ParameterGroup([parameter], weightDecay: 0.1)])
        try #require(parameter.gradient).f64()[1] = .nan
        let outcome = optimizer.step(learningRate: 0.1)
        #expect(!outcome.isApplied && parameter.value.doubles() == [1, 2, 3] && optimizer.stepCount == 0)
    }

    /// Moments and count restored into a fresh optimizer go on as if it had never stopped.
    @Test func restoringContinuesTheSameSteps() throws {
        func make() -> (Parameter, AdamW) {
            let parameter = Parameter(Tensor([1, -2] as [Double], [2]))
            return (parameter, AdamW([ParameterGroup([parameter], weightDecay: 0.1)]))
        }
        func step(_ parameter: Parameter, _ optimizer: AdamW, _ number: Int) {
            parameter.gradient!.assign(Tensor([Double(number), 1 / Double(number)], [2]))
            optimizer.step(learningRate: 0.1)
        }
        let (whole, first) = make()
        for number in 1...4 { step(whole, first, number) }
        let (before, second) = make()
        for number in 1...2 { step(before, second, number) }
        let (after, third) = make()
        after.value.assign(before.value)
        third.restore(
            moments: second.state.moments.map(\.tensor), stepCount: second.stepCount)
        for number in 3...4 { step(after, third, number) }
        #expect(after.value.doubles() == whole.value.doubles())
    }
}
