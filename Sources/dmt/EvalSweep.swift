import ArgumentParser
import EvaluationHarness

extension EvalCommand {
    /// What `--sweep` may not change.
    private static let fixed: Set = [
        "sweep", "resume", "out", "json", "threads", "quiet", "verbose", "log-format", "predict-only", "help",
        "version",
    ]

    /// The evaluations of `--sweep`: this command line once a point, the point's values after its own, the last of which
    /// count.
    ///
    /// - Parameter commandLine: as the program got it: its name, `eval`, and the arguments.
    /// - Throws: as the parser does for an option or a value that `dmt eval` does not take.
    func sweep(of commandLine: [String]) throws -> EvaluationSweep {
        let base = ArgumentList.removing(option: "--sweep", flag: "--resume", from: Array(commandLine.dropFirst(2)))
        let axes = try sweeps.map { try axis($0) }
        if let twice = axes.first(where: { axis in axes.count { $0.option == axis.option } > 1 }) {
            throw ValidationError("--sweep \(twice.option): each option once.")
        }
        let count = axes.reduce(1) { $0 * $1.values.count }
        guard count <= 1000 else { throw ValidationError("--sweep: \(count) points; at most 1000.") }
        var sweep = try EvaluationSweep(axes: axes) { values in
            let command = try Self.parse(base + zip(axes, values).compactMap { Self.argument($0.option, $1) })
            var evaluation = try command.evaluation()
            evaluation.commandLine = commandLine
            return EvaluationSweep.Point(values: values, evaluation: evaluation, seed: command.global.seed)
        }
        sweep.out = out
        sweep.resumes = resume
        sweep.commandLine = commandLine
        return sweep
    }

    /// An axis from `option=value,value`, or from `size` alone.
    private func axis(_ text: String) throws -> EvaluationSweep.Axis {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let option = String(parts[0].map { $0 == "_" ? "-" : $0 })
        guard !option.isEmpty, !Self.fixed.contains(option) else {
            throw ValidationError("--sweep \(text): an option that changes a number, such as size=224,448.")
        }
        if parts.count == 1 {
            guard option == "size" else {
                throw ValidationError("--sweep \(text): values are missing, such as \(option)=1,2,4.")
            }
            return .init(option: option, values: try evaluation().sizesAroundOwn().map(String.init))
        }
        let values = parts[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard values.allSatisfy({ !$0.isEmpty }), Set(values).count == values.count else {
            throw ValidationError("--sweep \(text): values with commas between, each once.")
        }
        return .init(option: option, values: values)
    }

    /// "--size=224"; a flag for `true`, nothing for `false`.
    private static func argument(_ option: String, _ value: String) -> String? {
        switch value {
        case "true": "--\(option)"
        case "false": nil
        default: "--\(option)=" + value.replacing("+", with: ",")
        }
    }
}
