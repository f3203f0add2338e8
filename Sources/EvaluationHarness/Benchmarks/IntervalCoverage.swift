import DenseMetrics
import JSONText
import Reporting

/// How often the interval of a metric holds its true value: over many drawn data sets, where the truth is known.
///
/// The truth is the metric of a data set of 100 times as many images. A 95 % interval ought to hold it 95 times of 100.
public struct IntervalCoverage: Sendable {
    public enum Metric: String, Sendable, CaseIterable {
        case mIoU
        case box = "AP"
    }

    public var metric: Metric
    /// Data sets a size.
    public var sets = 1000
    /// Images a data set.
    public var images = [100, 300, 1000]
    public var draws = 400
    public var classes = 12
    public var seed: UInt64 = 0

    public init(metric: Metric) { self.metric = metric }

    /// What was found at one size.
    public struct Row: Sendable, Equatable {
        public var images: Int
        public var sets: Int
        /// Intervals that hold the truth.
        public var holding: Int
        /// Intervals wholly below it, and wholly above it.
        public var below: Int
        public var above: Int
        /// Mean over the sets of the metric, of its standard error, and the standard deviation of the metric: what the standard
        /// error estimates.
        public var meanValue: Double
        public var meanError: Double
        public var deviation: Double

        var coverage: Proportion { Proportion(successes: holding, count: sets) }
    }

    public struct Result: Sendable {
        public var metric: String
        public var truth: Double
        public var truthImages: Int
        public var draws: Int
        public var seed: UInt64
        public var rows: [Row]
    }

    /// - Parameters:
    ///   - onSet: called with the number of data sets that are done.
    ///   - shouldStop: asked between data sets.
    /// - Returns: nil when asked to stop.
    public func run(onSet: (Int) -> Void = { _ in }, shouldStop: () -> Bool = { false }) -> Result? {
        let truthImages = 100 * (images.max() ?? 1)
        // No data set of the rows has this number.
        guard let truth = resampled(dataset: .max, count: truthImages)(Array(repeating: 1, count: truthImages))
        else { return nil }
        var rows: [Row] = []
        for (place, count) in images.enumerated() {
            var estimates: [(value: Double, error: SampledError)?] = []
            while estimates.count < sets {
                if shouldStop() { return nil }
                let part = estimates.count..<min(estimates.count + 16, sets)
                estimates += ParallelMap.map(part.count) {
                    estimate(dataset: UInt64(place * sets + part.lowerBound + $0), count: count)
                }
                onSet(place * sets + estimates.count)
            }
            rows.append(Self.row(estimates.compactMap { $0 }, truth: truth, images: count))
        }
        return Result(
            metric: metric.rawValue, truth: truth, truthImages: truthImages, draws: draws, seed: seed, rows: rows)
    }

    private static func row(
        _ estimates: [(value: Double, error: SampledError)], truth: Double, images: Int
    ) -> Row {
        let values = Moments(estimates.map(\.value))
        return Row(
            images: images, sets: estimates.count, holding: estimates.count { $0.error.interval.contains(truth) },
            below: estimates.count { $0.error.interval.upper < truth },
            above: estimates.count { $0.error.interval.lower > truth }, meanValue: values.mean,
            meanError: Moments(estimates.map(\.error.standardError)).mean, deviation: values.standardDeviation ?? 0)
    }

    private func estimate(dataset: UInt64, count: Int) -> (value: Double, error: SampledError)? {
        let metric = resampled(dataset: dataset, count: count)
        // Every data set has draws of its own.
        let bootstrap = Bootstrap(drawCount: draws, seed: seed &+ dataset)
        guard let value = metric(Array(repeating: 1, count: count)),
            let error = bootstrap.estimate(
                itemCount: count, biasOrder: self.metric == .box ? CocoErrors.biasOrder : nil, metric: metric)
        else { return nil }
        return (value, error)
    }

    /// The metric of a drawn data set as a function of how often each image occurs.
    private func resampled(dataset: UInt64, count: Int) -> @Sendable ([UInt64]) -> Double? {
        switch metric {
        case .mIoU: draw(DrawnSegmentation.self, dataset, count)
        case .box: draw(DrawnDetection.self, dataset, count)
        }
    }

    private func draw<Student: DrawnStudent>(
        _: Student.Type, _ dataset: UInt64, _ count: Int
    ) -> @Sendable ([UInt64]) -> Double? {
        Student(images: count, classes: classes, shift: 0, seed: seed &+ dataset, student: 0).resampled()
    }
}

extension IntervalCoverage.Result {
    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("metric", .string(metric)), ("truth", .double(truth)),
            ("truth_images", .int(Int64(truthImages))), ("draws", .int(Int64(draws))), ("seed", .int(Int64(seed))),
            (
                "rows",
                .array(
                    rows.map { row in
                        let interval = row.coverage.interval
                        return .object([
                            ("images", .int(Int64(row.images))), ("sets", .int(Int64(row.sets))),
                            ("coverage", JSONValue(finite: row.coverage.value)),
                            (
                                "coverage_interval",
                                .array([JSONValue(finite: interval?.lower), JSONValue(finite: interval?.upper)])
                            ),
                            ("below", .int(Int64(row.below))), ("above", .int(Int64(row.above))),
                            ("mean", .double(row.meanValue)), ("mean_standard_error", .double(row.meanError)),
                            ("standard_deviation", .double(row.deviation)),
                        ])
                    })
            ),
        ])
    }

    /// The table for people.
    public var text: String { TerminalRenderer().render(report) }

    private var report: Report {
        Report(
            title: "Coverage of 95 % intervals: \(metric)",
            introduction: [
                "Data sets drawn from one model; the truth is the metric of one of \(truthImages) images, "
                    + "\(NumberText.fixed(truth, digits: 4)). Bootstrap intervals of \(draws) draws over images."
            ],
            sections: [
                ReportSection(
                    heading: "By size",
                    blocks: [
                        .table(
                            ReportTable(
                                columns: [
                                    .init("images", .right), .init("data sets", .right),
                                    .init("hold the truth", .right),
                                    .init("95 % interval of that", .right), .init("wholly below", .right),
                                    .init("wholly above", .right), .init("mean value", .right),
                                    .init("mean standard error", .right), .init("standard deviation", .right),
                                ],
                                rows: rows.map { row in
                                    let interval = row.coverage.interval
                                    return [
                                        .integer(row.images), .integer(row.sets),
                                        .number(row.coverage.value, digits: 3),
                                        .text(
                                            interval.map {
                                                "\(NumberText.fixed($0.lower, digits: 3)) to "
                                                    + NumberText.fixed($0.upper, digits: 3)
                                            } ?? "–"), .integer(row.below), .integer(row.above),
                                        .number(row.meanValue), .number(row.meanError), .number(row.deviation),
                                    ]
                                }))
                    ])
            ])
    }
}
