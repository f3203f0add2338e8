import ArgumentParser
import EvaluationHarness

/// `dmt bench intervals`
struct BenchIntervals: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "intervals", abstract: "Measure how often 95 % intervals hold the true value.",
        discussion: """
            Draws many data sets from one model of scores, computes the metric of each with its bootstrap interval over images, \
            and counts the intervals that hold the metric of a data set of 100 times as many images.
            """)

    @Option(help: "mIoU or AP.")
    var metric = IntervalCoverage.Metric.mIoU

    @Option(help: "Data sets a size.")
    var sets = 1000

    @Option(help: "Images a data set: one number, or several with commas between.")
    var images = "100,300,1000"

    @Option(help: "Draws of each bootstrap.")
    var draws = 400

    @OptionGroup var global: GlobalOptions

    private func sizes() throws -> [Int] {
        try images.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let size = Int(text), (2...100_000).contains(size) else {
                throw ValidationError("--images \(images): numbers from 2 to 100000 with commas between.")
            }
            return size
        }
    }

    func validate() throws {
        _ = try sizes()
        guard (10...100_000).contains(sets) else { throw ValidationError("--sets \(sets): 10 to 100000.") }
        guard (100...10_000).contains(draws) else { throw ValidationError("--draws \(draws): 100 to 10000.") }
    }

    func run() throws {
        try runReporting(global) { session in
            var coverage = IntervalCoverage(metric: metric)
            coverage.sets = sets
            coverage.images = try sizes()
            coverage.draws = draws
            coverage.seed = session.seed
            session.listenForInterrupts()
            let progress = session.progress("draw", total: sets * coverage.images.count, unit: "data set")
            let result = coverage.run(
                onSet: { progress.advance(by: $0 - progress.done) },
                shouldStop: { session.interrupt.signalNumber != nil })
            progress.finish()
            guard let result else { throw Interruption(signal: session.interrupt.signalNumber ?? 2) }
            try session.emit(result.json, text: result.text)
        }
    }
}

extension IntervalCoverage.Metric: ExpressibleByArgument {}
