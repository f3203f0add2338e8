import ArgumentParser
import EvaluationHarness

extension BenchCommand {
    /// `dmt bench op`
    struct Op: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "op", abstract: "Time one operation of the engine on random values.",
            discussion: """
                Two warm-up calls, then the timed ones. gflops counts two operations a multiply-add of the op's \
                definition; peak_share is that of the f32 peak, or of a copy where memory is the bound. The shape's \
                axes: \(BenchmarkOp.allCases.map { "\($0.rawValue) \($0.axes.joined(separator: ","))" }
                    .joined(separator: "; ")).
                """)

        @Option(help: "\(BenchmarkOp.allCases.map(\.rawValue).joined(separator: ", ")).")
        var op: String

        @Option(help: "Sizes with commas between; each op has its own default.")
        var shape: String?

        @Option(help: "forward, backward or both.")
        var pass = "forward"

        @Option(help: "Of matrix products: f32 or bf16.")
        var precision = "f32"

        @Option(help: "Timed calls.")
        var calls = 10

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            let problems = [
                NamedChoice.complaint(op, among: BenchmarkOp.allCases.map(\.rawValue), option: "--op"),
                NamedChoice.complaint(pass, among: OpBenchmark.Pass.allCases.map(\.rawValue), option: "--pass"),
                NamedChoice.complaint(
                    precision, among: ProductPrecision.allCases.map(\.rawValue), option: "--precision"),
                (1...1_000_000).contains(calls) ? nil : "--calls \(calls): 1 to 1000000.",
                shape == nil || sizes != nil ? nil : "--shape \(shape ?? ""): whole numbers with commas between.",
            ]
            if let problem = problems.compactMap({ $0 }).first { throw ValidationError(problem) }
        }

        private var sizes: [Int]? {
            guard let shape else { return nil }
            let numbers = shape.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            return numbers.contains(nil) ? nil : numbers.compactMap { $0 }
        }

        func run() throws {
            try runReporting(global) { session in
                let benchmark = try OpBenchmark(
                    BenchmarkOp(rawValue: op)!, shape: sizes, pass: OpBenchmark.Pass(rawValue: pass)!,
                    precision: ProductPrecision(rawValue: precision)!, calls: calls, seed: session.seed)
                let progress = session.progress("bench", total: calls + OpBenchmark.warmupCalls, unit: "call")
                let timing = benchmark.run { progress.advance() }
                progress.finish()
                try session.emit(timing.json, text: timing.text)
            }
        }
    }
}
