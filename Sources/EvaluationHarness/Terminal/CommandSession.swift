import Communication
import Determinism
import ImageFiles
import JSONText
import Logging
import SafeFiles
import TensorCore

/// What every command works with: the global options in effect, the side channel, standard output and the wish to stop.
public struct CommandSession: Sendable {
    /// The options that every verb takes.
    public struct Options: Sendable, Equatable {
        public var printsJSON = false
        /// Nil: all cores.
        public var threads: Int?
        public var seed: UInt64?
        /// Pixels that a picture may have; nil: the readers' own limit.
        public var maxPixels: Int?
        public var isQuiet = false
        public var isVerbose = false
        public var logFormat = TerminalLogHandler.Format.text

        public init() {}
    }

    public let options: Options
    public let terminal: Terminal
    public let logger: Logger
    public let output: DataOutput
    public let interrupt: Interrupt
    /// The ranks that do this command together. Those that follow print nothing.
    public let group: any Communicator
    /// False while a command runs others as its stages: it names all files itself, at the end.
    var namesFiles = true

    /// Applies the thread count: as told, or all cores, which ranks on one machine share.
    ///
    /// - Throws: `.configuration` when `DMT_CPU` names a path that this CPU lacks, or `DMT_FAULT` no fault.
    public init(
        _ options: Options, terminal: Terminal = Terminal(), output: DataOutput = DataOutput(),
        interrupt: Interrupt = .shared, group: any Communicator = SingleProcess()
    ) throws(DataError) {
        guard Kernels.selected >= 0 else {
            throw DataError(
                .configuration, file: "DMT_CPU",
                expected: "one of \(Kernels.pathNames.joined(separator: ", ")) that this CPU has",
                found: "another value", remedy: "unset the variable or choose a lesser path")
        }
        guard !ProcessFault.isMisspelled else {
            throw DataError(
                .configuration, file: "DMT_FAULT",
                expected: "a fault, such as kill-at-step:3 or fail-at-write:7:ENOSPC",
                found: "another value", remedy: "unset the variable")
        }
        if let threads = options.threads {
            Parallel.setThreadCount(threads)
        } else if group.size > 1 {
            Parallel.setThreadCount(max(1, min(Parallel.coreCount, EnvironmentReport.machineCores / World.neighbours)))
        }
        if let count = options.maxPixels { ImageLimits.setMaxPixels(count) }
        var options = options
        if !group.isLeader { options.isQuiet = true }
        self.options = options
        self.group = group
        self.terminal = terminal
        self.output = output
        self.interrupt = interrupt
        let level: Logger.Level =
            !group.isLeader ? .critical : options.isQuiet ? .warning : options.isVerbose ? .debug : .info
        logger = Logger(label: "dmt") { _ in
            TerminalLogHandler(terminal: terminal, level: level, format: options.logFormat)
        }
    }

    /// The seed in effect: 0 unless given.
    public var seed: UInt64 { options.seed ?? 0 }

    /// From here on SIGINT and SIGTERM only raise `interrupt`: for commands whose loops look at it between steps.
    public func listenForInterrupts() { Interrupt.listen() }

    /// A reporter for one stage; silent under `-q`.
    public func progress(_ label: String, total: Int, done: Int = 0, unit: String) -> ProgressReporter {
        ProgressReporter(terminal, label, total: total, done: done, unit: unit, isQuiet: options.isQuiet)
    }

    /// A line on the side channel, unless `-q`.
    public func note(_ message: String) { logger.info("\(message)") }

    /// Prints the one document of `--json`, or the text for people.
    public func emit(_ document: @autoclosure () throws -> JSONValue, text: @autoclosure () throws -> String) throws {
        guard group.isLeader else { return }
        try output.write(options.printsJSON ? try document().text() + "\n" : try text())
    }

    /// Names every file written: the last lines of a command.
    public func name(files: [String]) {
        guard namesFiles, !files.isEmpty, !options.isQuiet else { return }
        terminal.write(line: "files written:")
        for file in files { terminal.write(line: "  \(file)") }
    }
}
