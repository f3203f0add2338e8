import ArgumentParser
import EvaluationHarness
import Foundation

/// Errors on their way out.
enum ErrorRendering {
    /// Ends the process: errors of the argument parser its way (help 0, usage 64), all others by `FailureReport`.
    static func end(with error: any Error) -> Never {
        // The parser gives its own errors codes of their own, and 1 to every error it does not know.
        if error is ExitCode || DMT.exitCode(for: error) != .failure { DMT.exit(withError: error) }
        let report = FailureReport(error)
        FileHandle.standardError.write(Data("dmt: \(report.text)\n".utf8))
        exit(report.exitCode)
    }
}

/// Opens a session with the global options and runs the body of a command in it.
///
/// Errors pass through to `DMT.main`, which turns them into a text and an exit code.
func runReporting(_ global: GlobalOptions, _ body: (CommandSession) throws -> Void) throws {
    try body(try CommandSession(global.session))
}
