import Foundation
import NeuralLayers
import TensorCore
import TestSupport
import Testing

/// Ten steps beside torch.optim.SGD and LARS's equation; `Tests/Fixtures/optim/generate.py` made the numbers, in double.
@Suite struct MomentumGoldenTests {
    private struct Start: Decodable {
        let weight: [Double], bias: [Double]
        let weight_gradients: [[Double]], bias_gradients: [[Double]]
    }
    private struct Steps: Decodable { let weight: [[Double]], bias: [[Double]], zeros: [[Double]]? }
    private struct Golden: Decodable {
        let sgd: Steps, sgd_clipped: Steps, sgd_nesterov: Steps, sgd_plain: Steps, lars: Steps
        let zero_gradients: [[Double]]
    }

    private static func read<Content: Decodable>(_ name: String) throws -> Content {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try JSONDecoder().decode(
            Content.self, from: Data(contentsOf: tests.appendingPathComponent("Fixtures/optim/\(name).json")))
    }

    /// - Parameter make: from the parameters: a matrix, a vector and a matrix of zeros.
    private func check(
        _ dtype: DType, rate: Double, clip: Double? = nil, _ steps: KeyPath<Golden, Steps>,
        _ make: ([Parameter]) -> any Optimizer
    ) throws {
        let (start, golden): (Start, Golden) = (try Self.read("adamw"), try Self.read("momentum"))
        let wanted = golden[keyPath: steps]
        let parameters = [
            Tensor(start.weight, [5, 7]), Tensor(start.bias, [7]), Tensor([Double](repeating: 0, count: 6), [3, 2]),
        ].map { Parameter($0.converted(to: dtype)) }
        let optimizer = make(parameters)
        // In double a rounding a product of ten steps; in f32 ten steps of values up to 30.
        let tolerance = dtype == .f64 ? 1e-12 : 2e-5
        for step in 0..<10 {
            optimizer.zeroGradients()
            for (parameter, values) in zip(
                parameters,
                [start.weight_gradients[step], start.bias_gradients[step], golden.zero_gradients[step]])
            where parameter.gradient != nil {
                parameter.gradient!.assign(Tensor(values, parameter.shape).converted(to: dtype))
            }
            #expect(optimizer.step(learningRate: rate, clipNorm: clip).isApplied)
            let expected = [wanted.weight[step], wanted.bias[step]] + (wanted.zeros.map { [$0[step]] } ?? [])
            for (parameter, wanted) in zip(parameters, expected) {
                let comparison = Comparison(parameter.value.doubles(), wanted, tolerance: tolerance)
                #expect(comparison.isWithinBounds, "step \(step), \(parameter.shape): \(comparison)")
            }
        }
        #expect(optimizer.stepCount == 10)
    }

    private func groups(_ parameters: [Parameter]) -> [ParameterGroup] {
        [
            ParameterGroup([parameters[0]], weightDecay: 0.1),
            ParameterGroup([parameters[1]], learningRateScale: 0.5),
        ]
    }

    @Test(arguments: [DType.f64, .f32]) func stochasticGradientDescent(_ dtype: DType) throws {
        try check(dtype, rate: 0.02, \.sgd) { SGD(groups($0)) }
        try check(dtype, rate: 0.02, clip: 4, \.sgd_clipped) { SGD(groups($0)) }
        try check(dtype, rate: 0.02, \.sgd_nesterov) { SGD(groups($0), momentum: 0.8, nesterov: true) }
        try check(dtype, rate: 0.02, \.sgd_plain) { SGD(groups($0), momentum: 0) }
    }

    /// Decay of a vector is not asked for by the rule, whatever its group says.
    @Test(arguments: [DType.f64, .f32]) func layerwiseRates(_ dtype: DType) throws {
        try check(dtype, rate: 2, \.lars) {
            LARS([ParameterGroup([$0[0], $0[1]], weightDecay: 0.1), ParameterGroup([$0[2]])])
        }
    }

    /// The goldens tell the rules apart.
    @Test func theGoldensDiffer() throws {
        let golden: Golden = try Self.read("momentum")
        let ends = [golden.sgd, golden.sgd_clipped, golden.sgd_nesterov, golden.sgd_plain, golden.lars].map {
            $0.weight[9]
        }
        #expect(Set(ends).count == ends.count)
        #expect(golden.zero_gradients[1].allSatisfy { $0 == 0 })
    }

    @Test func stepsWithoutFiniteGradientsChangeNothing() throws {
        for make in [{ SGD($0) }, { LARS($0) }] as [([ParameterGroup]) -> any Optimizer] {
            let parameter = Parameter(Tensor([1, 2, 3, 4] as [Double], [2, 2]))
            let optimizer = make([ParameterGroup([parameter], weightDecay: 0.1)])
            try #require(parameter.gradient).f64()[1] = .infinity
            let outcome = optimizer.step(learningRate: 0.1)
            #expect(!outcome.isApplied && parameter.value.doubles() == [1, 2, 3, 4] && optimizer.stepCount == 0)
        }
    }
}
