import JSONText

/// What a model benchmark found.
public struct ModelTiming: Sendable {
    public let benchmark: ModelBenchmark
    public let threads: Int
    /// One a timed step, in order.
    public let secondsPerStep: [Double]
    /// Of single precision, in units of 10^9 operations a second: bf16 products may go above it.
    public let peakGigaflopsPerCore: Double
    public let memory: MemoryUse
    /// Of the products of one step while it ran.
    var countedFlops = 0.0
    /// Of all threads together, one a timed step: what other work on the machine changes least.
    var cpuSecondsPerStep: [Double] = []

    /// The middle of the timed steps; the mean of the two middle ones where their number is even.
    public var medianSeconds: Double { Self.median(secondsPerStep) }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let half = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
    }

    /// By rule, or as counted where no rule gives them.
    public var flopsPerStep: Double { benchmark.flopsPerStep ?? countedFlops }

    public var imagesPerSecond: Double { Double(benchmark.batchSize) / medianSeconds }
    public var gigaflops: Double { flopsPerStep / medianSeconds * 1e-9 }
    public var peakGigaflops: Double { peakGigaflopsPerCore * Double(threads) }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("arch", .string(benchmark.variant.name)),
            ("head", .string(benchmark.head.rawValue)),
            ("pass", .string(benchmark.pass.rawValue)), ("precision", .string(benchmark.precision.rawValue)),
            ("batch", .int(Int64(benchmark.batchSize))), ("image", .int(Int64(benchmark.imageSize))),
            ("threads", .int(Int64(threads))), ("images_per_second", JSONValue(finite: imagesPerSecond)),
            ("seconds_per_step", .array(secondsPerStep.map { .double($0) })),
            ("cpu_seconds_per_step", .array(cpuSecondsPerStep.map { .double($0) })),
            ("gflops", JSONValue(finite: gigaflops)), ("gflop_per_step", .double(flopsPerStep * 1e-9)),
            ("peak_gflops", JSONValue(finite: peakGigaflops)), ("peak_rss_mib", .double(memory.residentMiB)),
            ("peak_tensor_mib", .double(memory.tensorMiB)),
            ("checkpointed_blocks", .int(Int64(benchmark.checkpointedBlocks))),
        ])
    }

    public var text: String {
        let fixed = ProgressReporter.fixed
        let share = fixed(100 * gigaflops / peakGigaflops)
        return """
            \(benchmark.variant.name) \(benchmark.head.rawValue) \(benchmark.pass.rawValue) \(benchmark.precision.rawValue), \
            batch \(benchmark.batchSize), \(benchmark.imageSize) pixels, \(threads) thread(s)
            images a second: \(fixed(imagesPerSecond))
            seconds a step (median of \(secondsPerStep.count)): \(medianSeconds)
            GFLOP a second: \(fixed(gigaflops)), \(share) % of the f32 peak \(fixed(peakGigaflops))
            peak memory: \(fixed(memory.residentMiB)) MiB, tensors \(fixed(memory.tensorMiB)) MiB

            """
    }
}
