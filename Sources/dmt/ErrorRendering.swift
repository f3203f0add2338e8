import ArgumentParser
import EvaluationHarness
import Foundation

/// Errors on their way out.
enum ErrorRendering {
    /// Ends the process: errors of the argument parser its way (help 0, usage 64), all others by `FailureReport`.
    ///
    /// Of several ranks the leader alone speaks where all fail alike, or end in good order after a signal.
    static func end(with error: any Error) -> Never {
        // The parser gives its own errors codes of their own, and 1 to every error it does not know.
        if error is ExitCode || DMT.exitCode(for: error) != .failure {
            if !RankedProcess.speaks { leave(DMT.exitCode(for: error).rawValue) }
            if RankedProcess.group.size == 1 { DMT.exit(withError: error) }
            let code = DMT.exitCode(for: error).rawValue
            write(DMT.fullMessage(for: error) + "\n", to: code == 0 ? .standardOutput : .standardError)
            leave(code)
        }
        let report = FailureReport(error)
        let isAgreed = error is Interruption || error is RanksRefused
        if !isAgreed { RankedProcess.fail(report.text, exitCode: report.exitCode) }
        if RankedProcess.speaks { write("dmt: \(report.text)\n", to: .standardError) }
        leave(report.exitCode)
    }

    private static func leave(_ code: Int32) -> Never {
        RankedProcess.end()
        // Ranks that never joined each other do not wait for each other: the one that speaks goes first.
        if !RankedProcess.speaks { usleep(500_000) }
        exit(code)
    }

    private static func write(_ text: String, to handle: FileHandle) { handle.write(Data(text.utf8)) }
}

/// Opens a session with the global options and runs the body of a command in it.
///
/// Errors pass through to `DMT.main`, which turns them into a text and an exit code.
func runReporting(_ global: GlobalOptions, _ body: (CommandSession) throws -> Void) throws {
    try body(try CommandSession(global.session, group: RankedProcess.group))
}
