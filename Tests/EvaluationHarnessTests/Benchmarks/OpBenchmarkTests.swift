import JSONText
import Testing

@testable import EvaluationHarness

@Suite struct OpBenchmarkTests {
    /// A small shape of each op.
    private static func shape(_ op: BenchmarkOp) -> [Int] {
        switch op {
        case .conv3x3, .convTranspose: [2, 5, 4, 3, 6]
        case .roiAlign: [3, 2, 8, 9, 4]
        case .layerNorm, .gelu, .softmax: [7, 5]
        case .attention: [2, 5, 64]
        case .batchNorm: [2, 3, 4, 5]
        case .resize: [2, 3, 4, 5, 6, 7]
        case .linear: [7, 5, 3]
        }
    }

    @Test(arguments: BenchmarkOp.allCases, OpBenchmark.Pass.allCases)
    func everyOpHasTimes(_ op: BenchmarkOp, _ pass: OpBenchmark.Pass) throws {
        let timing = try OpBenchmark(op, shape: Self.shape(op), pass: pass, calls: 2).run()
        let document = timing.json
        #expect(timing.secondsPerCall.count == 2 && timing.secondsPerCall.allSatisfy { $0 > 0 })
        for key in ["seconds", "gb_per_second", "peak_gflops", "peak_gb_per_second", "peak_share"] {
            #expect(try #require(document[key]?.double) > 0, "\(op) \(key)")
        }
        #expect((document["gflops"]?.double != nil) == (document["bound"]?.string == "products"))
    }

    @Test func operationsAndBytesOfTheDefinition() throws {
        #expect(BenchmarkOp.conv3x3.flops([2, 5, 4, 3, 6]) == Double(2 * 9 * (2 * 5 * 4) * (3 * 6)))
        #expect(BenchmarkOp.resize.bytes([1, 2, 3, 4, 5, 6], .forward) == 4 * (2 * 3 * 4 + 5 * 6 * 4))
        let timing = OpTiming(
            benchmark: try OpBenchmark(.linear, shape: [1000, 100, 10], pass: .both), threads: 2,
            secondsPerCall: [1e-3, 2e-3, 3e-3], cpuSecondsPerCall: [1], peakGigaflopsPerCore: 1.5, peakGigabytes: 1)
        #expect(abs(timing.gigaflops! - 3) < 1e-12 && abs(timing.peakShare - 1) < 1e-12)
    }

    @Test func impossibleSettingsAreRefused() {
        #expect(throws: (any Error).self) { try OpBenchmark(.linear, shape: [1, 2]) }
        #expect(throws: (any Error).self) { try OpBenchmark(.linear, shape: [1, 0, 2]) }
        #expect(throws: (any Error).self) { try OpBenchmark(.attention, shape: [1, 2, 65]) }
        #expect(throws: (any Error).self) { try OpBenchmark(.gelu, precision: .bf16) }
        #expect(throws: (any Error).self) { try OpBenchmark(.gelu, calls: 0) }
    }
}
