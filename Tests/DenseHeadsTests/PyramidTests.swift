import Autograd
import Determinism
import NeuralLayers
import TensorCore
import Testing

@testable import DenseHeads

@Suite struct PyramidTests {
    @Test(arguments: [16, 8]) func multiTapPyramidHasItsStrides(patch: Int) throws {
        var stream = RandomStream(seed: 1, purpose: "init")
        let input = 96
        let features = taps(4, batch: 2, grid: input / patch, width: 8, stride: patch)
        let pyramid = try MultiTapPyramid(taps: features.maps.map(\.spec), &stream)
        let maps = pyramid(features, .evaluation)
        #expect(pyramid.outputSpecs.map(\.stride) == [4, 8, 16, 32])
        for (spec, map) in maps.maps {
            #expect(map.shape == [2, input / spec.stride, input / spec.stride, spec.channels])
        }
        let names = pyramid.stateEntries().map(\.name).filter { !$0.contains(".1.") }
        let twofold = ["upsample_2x.0.weight", "upsample_2x.0.bias"]
        let fourfold = ["upsample_4x.0.weight", "upsample_4x.0.bias", "upsample_4x.3.weight", "upsample_4x.3.bias"]
        #expect(names == (patch == 16 ? fourfold : []) + twofold)
        expectSlotsCoverState(pyramid)
    }

    @Test func quarterScaleIsTheMaximumOfSixteenTokens() throws {
        var stream = RandomStream(seed: 1, purpose: "init")
        let features = taps(4, batch: 1, grid: 8, width: 3, stride: 8)
        let pyramid = try MultiTapPyramid(taps: features.maps.map(\.spec), &stream)
        let coarse = pyramid(features, .evaluation).maps[3].map.value.floats()
        let tap = features.maps[3].map.value.floats()
        for (y, x, c) in [(0, 0, 0), (1, 0, 2), (1, 1, 1)] {
            var best = -Float.infinity
            for i in 0..<4 { for j in 0..<4 { best = max(best, tap[((4 * y + i) * 8 + 4 * x + j) * 3 + c]) } }
            #expect(coarse[(y * 2 + x) * 3 + c] == best)
        }
    }

    @Test(arguments: [(16, [4, 8, 16, 32]), (8, [4, 8, 16])]) func simplePyramidHasItsStrides(
        patch: Int, strides: [Int]
    ) throws {
        var stream = RandomStream(seed: 1, purpose: "init")
        let features = taps(1, batch: 2, grid: 96 / patch, width: 8, stride: patch)
        let pyramid = try SimpleFeaturePyramid(input: features.maps[0].spec, strides: strides, channels: 12, &stream)
        let maps = pyramid(features, .evaluation)
        #expect(pyramid.outputSpecs.map(\.stride) == strides + [2 * strides[strides.count - 1]])
        for (spec, map) in maps.maps {
            let side = (96 + spec.stride - 1) / spec.stride
            #expect(map.shape == [2, side, side, 12], "\(spec.name)")
        }
        #expect(pyramid.outputSpecs.map(\.name).first == "p2")
        expectSlotsCoverState(pyramid)
    }

    @Test func simplePyramidSpeaksTheReferencesNames() throws {
        var stream = RandomStream(seed: 1, purpose: "init")
        let pyramid = try SimpleFeaturePyramid(
            input: FeatureSpec(name: "last", channels: 8, stride: 16), channels: 4, &stream)
        let names = Set(pyramid.stateEntries().map(\.name))
        for name in [
            "simfp_2.0.weight", "simfp_2.1.bias", "simfp_2.3.weight", "simfp_2.4.weight", "simfp_2.5.norm.weight",
            "simfp_3.0.bias", "simfp_3.1.weight", "simfp_3.2.norm.bias", "simfp_4.0.weight", "simfp_4.1.norm.weight",
            "simfp_5.1.weight", "simfp_5.2.weight",
        ] { #expect(names.contains(name), "\(name)") }
        #expect(!names.contains("simfp_4.0.bias") && !names.contains("simfp_6.0.weight"))
    }

    @Test func stridesThatDoNotFitAreRefused() {
        var stream = RandomStream(seed: 1, purpose: "init")
        let odd = FeatureSpec(name: "last", channels: 8, stride: 14)
        let error = #expect(throws: HeadConfigurationError.self) { try SimpleFeaturePyramid(input: odd, &stream) }
        #expect(error?.description.contains("patches of 14") == true)
        #expect(throws: HeadConfigurationError.self) {
            try MultiTapPyramid(taps: [odd, odd, odd], &stream)
        }
    }
}
