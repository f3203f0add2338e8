import JSONText

/// What a loader benchmark found.
public struct LoaderTiming: Sendable {
    /// Seconds that all pictures took on one thread, stage by stage.
    public struct Stages: Sendable {
        public var decode, resize, normalise: Double

        var total: Double { decode + resize + normalise }
    }

    public let benchmark: LoaderBenchmark
    public let threads: Int
    /// One a timed pass, in order.
    public let secondsPerPass: [Double]
    public let stageSeconds: Stages

    /// The pictures over the middle of the passes; over the mean of the two middle ones where their number is even.
    public var imagesPerSecond: Double {
        let sorted = secondsPerPass.sorted()
        let half = sorted.count / 2
        let median = sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
        return Double(benchmark.pictures.count) / median
    }

    private var meanKiB: Double {
        Double(benchmark.pictures.reduce(0) { $0 + $1.byteCount }) / Double(benchmark.pictures.count) / 1024
    }

    private var meanMegapixels: Double {
        Double(benchmark.pictures.reduce(0) { $0 + $1.height * $1.width }) / Double(benchmark.pictures.count) * 1e-6
    }

    private func share(_ seconds: Double) -> Double { stageSeconds.total > 0 ? seconds / stageSeconds.total : 0 }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("pictures", .int(Int64(benchmark.pictures.count))),
            ("mean_kib", .double(meanKiB)), ("mean_megapixels", .double(meanMegapixels)),
            ("size", .int(Int64(benchmark.size))), ("filter", .string(benchmark.filter.rawValue)),
            ("scaled", .bool(benchmark.isScaled)), ("threads", .int(Int64(threads))),
            ("images_per_second", JSONValue(finite: imagesPerSecond)),
            ("seconds_per_pass", .array(secondsPerPass.map { .double($0) })),
            (
                "shares",
                .object([
                    ("decode", .double(share(stageSeconds.decode))), ("resize", .double(share(stageSeconds.resize))),
                    ("normalise", .double(share(stageSeconds.normalise))),
                ])
            ),
        ])
    }

    public var text: String {
        let fixed = ProgressReporter.fixed
        let shares = [stageSeconds.decode, stageSeconds.resize, stageSeconds.normalise].map { fixed(100 * share($0)) }
        return """
            \(benchmark.pictures.count) JPEG files of \(fixed(meanKiB)) KiB to \(benchmark.size) pixels, \
            \(benchmark.filter.rawValue), \(benchmark.isScaled ? "scaled decoding, " : "")\(threads) thread(s)
            images a second (median of \(secondsPerPass.count) passes): \(fixed(imagesPerSecond))
            decode \(shares[0]) %, resize \(shares[1]) %, normalise \(shares[2]) %

            """
    }
}
