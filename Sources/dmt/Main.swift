import ArgumentParser
import EvaluationHarness

@main
struct DMT: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dmt",
        abstract:
            "Distil self-supervised teachers into small students, attach dense heads, and print numbers to trust.",
        discussion: """
            Results go to standard output, everything else to standard error.
            Exit codes: 0 ok, 1 the answer is no, 64 usage, 65 malformed data, 66 missing input, 70 internal error, \
            73 cannot write, 74 disk full, 75 can be resumed, 78 bad recipe, 130/143 interrupted after a clean save.
            """,
        version: BuildInfo.version,
        subcommands: verbs)

    /// The verbs, in the order of the help page. A new verb is one line here and one file beside this one.
    static let verbs: [any ParsableCommand.Type] = [
        QuickstartCommand.self,
        DataCommand.self,
        TrainCommand.self,
        EvalCommand.self,
        ScoreCommand.self,
        PretrainCommand.self,
        DistillCommand.self,
        ModelCommand.self,
        InspectCommand.self,
        BenchCommand.self,
        CompareCommand.self,
        GateCommand.self,
        ReportCommand.self,
        ReproduceCommand.self,
        RunsCommand.self,
        RecipesCommand.self,
        DoctorCommand.self,
    ]

    /// The one way in and out: arguments become a command, and an error of the command becomes a text and an exit code.
    static func main() {
        do {
            try RankedProcess.start()
            var command = try parseAsRoot()
            if (command as? any SharesWork)?.sharesWork != true {
                try RankedProcess.refuse(CommandLine.arguments.dropFirst().first ?? "")
            }
            try command.run()
            RankedProcess.end()
        } catch {
            ErrorRendering.end(with: error)
        }
    }
}

/// A command that several ranks can do together; all others are refused there.
protocol SharesWork: ParsableCommand {
    /// Whether it can with these options.
    var sharesWork: Bool { get }
}

/// `dmt score`
struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Metrics from files alone; needs no model.",
        subcommands: [ScoreCoco.self, ScoreLVIS.self, ScorePanoptic.self, ScoreSemseg.self])
}
