import ArgumentParser
import EvaluationHarness

extension MemoryAllowance: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }

    public var defaultValueDescription: String { "available" }

    /// Of `--memory`, wherever a verb trains.
    static let help: ArgumentHelp =
        "Memory the run may take, such as 6GiB; a run estimated at more is refused. any: no estimate."
}
