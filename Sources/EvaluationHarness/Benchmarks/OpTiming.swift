import JSONText

/// What an op benchmark found.
public struct OpTiming: Sendable {
    public let benchmark: OpBenchmark
    public let threads: Int
    /// One a timed call, in order.
    public let secondsPerCall: [Double]
    /// Of all threads together, one a timed call.
    public let cpuSecondsPerCall: [Double]
    /// Of single precision, in units of 10^9 operations a second.
    public let peakGigaflopsPerCore: Double
    /// What all threads together copy, in units of 10^9 bytes a second.
    public let peakGigabytes: Double

    public var medianSeconds: Double { ModelTiming.median(secondsPerCall) }
    public var peakGigaflops: Double { peakGigaflopsPerCore * Double(threads) }

    /// By the definition of the op, whatever algorithm computes it; nil where memory is the bound.
    public var gigaflops: Double? {
        guard let forward = benchmark.op.flops(benchmark.shape) else { return nil }
        let factor = benchmark.op.backwardFactor
        let passes = benchmark.pass == .forward ? 1 : benchmark.pass == .backward ? factor : 1 + factor
        return forward * passes / medianSeconds * 1e-9
    }

    /// Of the bytes that must move.
    public var gigabytes: Double { benchmark.op.bytes(benchmark.shape, benchmark.pass) / medianSeconds * 1e-9 }

    /// Of the f32 peak where products are the bound, else of what a copy moves. May exceed 1: bf16 products, algorithms
    /// that multiply less than the definition, values that stay in cache.
    public var peakShare: Double { gigaflops.map { $0 / peakGigaflops } ?? gigabytes / peakGigabytes }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("op", .string(benchmark.op.rawValue)),
            ("axes", .array(benchmark.op.axes.map { .string($0) })),
            ("shape", .array(benchmark.shape.map { .int(Int64($0)) })), ("pass", .string(benchmark.pass.rawValue)),
            ("precision", .string(benchmark.precision.rawValue)), ("threads", .int(Int64(threads))),
            ("seconds", JSONValue(finite: medianSeconds)),
            ("seconds_per_call", .array(secondsPerCall.map { .double($0) })),
            ("cpu_seconds", JSONValue(finite: ModelTiming.median(cpuSecondsPerCall))),
            ("bound", .string(gigaflops == nil ? "memory" : "products")),
            ("gflops", gigaflops.map { JSONValue(finite: $0) } ?? .null),
            ("gb_per_second", JSONValue(finite: gigabytes)), ("peak_gflops", JSONValue(finite: peakGigaflops)),
            ("peak_gb_per_second", JSONValue(finite: peakGigabytes)), ("peak_share", JSONValue(finite: peakShare)),
        ])
    }

    public var text: String {
        let fixed = ProgressReporter.fixed
        let sizes = zip(benchmark.op.axes, benchmark.shape).map { "\($0) \($1)" }.joined(separator: ", ")
        let rate =
            gigaflops.map { "GFLOP a second: \(fixed($0)), \(fixed(100 * peakShare)) % of the f32 peak" }
            ?? "GB a second: \(fixed(gigabytes)), \(fixed(100 * peakShare)) % of a copy"
        return """
            \(benchmark.op.rawValue) \(benchmark.pass.rawValue) \(benchmark.precision.rawValue), \(sizes), \
            \(threads) thread(s)
            milliseconds a call (median of \(secondsPerCall.count)): \(fixed(1e3 * medianSeconds))
            \(rate)

            """
    }
}
