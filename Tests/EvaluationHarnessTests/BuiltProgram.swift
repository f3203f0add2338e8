import Foundation
import Testing

/// The built `dmt` from the outside.
enum BuiltProgram {
    struct Outcome {
        /// The exit code, or minus the signal that ended the process.
        var code: Int32
        var out: String
        var err: String
    }

    private static var isSanitized: Bool {
        ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains { ProcessInfo.processInfo.environment[$0] != nil }
    }

    /// Runs the program to its end. What it prints must be below a pipe's capacity: both ends are read one after the other.
    ///
    /// - Parameters:
    ///   - environment: replaces or, with nil, removes variables.
    ///   - megabytes: a limit on the memory it may allocate; files that are mapped do not count, copies of them do. None
    ///     under a sanitizer, whose shadow memory is larger than any.
    ///   - seconds: after these it gets SIGTERM.
    static func run(
        _ arguments: [String], environment: [String: String?] = [:], megabytes: Int? = nil,
        stopAfter seconds: Double? = nil
    ) throws -> Outcome {
        let program = try #require(SourceCheckout.program)
        let process = Process()
        if let megabytes, !isSanitized {
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "ulimit -d \(megabytes * 1000) && exec \"$0\" \"$@\"", program] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = arguments
        }
        var variables = ProcessInfo.processInfo.environment
        // A backtrace of a killed process helps nobody.
        variables["SWIFT_BACKTRACE"] = "enable=no"
        for (name, value) in environment { variables[name] = value }
        process.environment = variables
        let (out, err) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = err
        process.standardInput = FileHandle.nullDevice
        try process.run()
        if let seconds {
            Thread.sleep(forTimeInterval: seconds)
            process.terminate()
        }
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errors = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let status = process.terminationStatus
        return Outcome(code: process.terminationReason == .uncaughtSignal ? -status : status, out: text, err: errors)
    }
}
