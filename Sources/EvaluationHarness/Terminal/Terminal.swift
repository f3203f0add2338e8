import Foundation
import Glibc
import SafeFiles
import Synchronization

/// The side channel of a command: everything that is not data goes through here to standard error.
///
/// Lines and the progress bar share one lock, so a line never lands inside a bar. A run may attach its log file; lines
/// then go to both.
public final class Terminal: Sendable {
    private struct State {
        var bar: String?
        var logDescriptor: Int32?
    }

    /// Whether a person watches: a terminal that can move its cursor.
    public let isInteractive: Bool
    /// Whether colour may be used: on a terminal unless `NO_COLOR` holds anything; `FORCE_COLOR` asks for it elsewhere.
    public let usesColour: Bool
    private let descriptor: Int32
    private let state = Mutex(State())

    /// - Parameters:
    ///   - descriptor: standard error unless told otherwise.
    ///   - isInteractive: nil asks the system.
    public init(
        descriptor: Int32 = STDERR_FILENO, isInteractive: Bool? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.descriptor = descriptor
        let interactive = isInteractive ?? (isatty(descriptor) == 1 && environment["TERM"] != "dumb")
        self.isInteractive = interactive
        let refused = !(environment["NO_COLOR"] ?? "").isEmpty
        usesColour = !refused && (interactive || !(environment["FORCE_COLOR"] ?? "").isEmpty)
    }

    deinit {
        if let log = state.withLock({ $0.logDescriptor }) { close(log) }
    }

    /// Columns of the terminal; 80 where there is none.
    public var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes one line, above the bar if there is one.
    ///
    /// - Parameter logLine: what the log file gets; the same line unless told otherwise.
    public func write(line: String, logLine: String? = nil) {
        state.withLock { state in
            var text = state.bar == nil ? "" : "\r\u{1B}[K"
            text += line + "\n"
            if let bar = state.bar { text += bar }
            Self.send(text, to: descriptor)
            if let log = state.logDescriptor { Self.send((logLine ?? line) + "\n", to: log) }
        }
    }

    /// Writes a line to the log file alone.
    public func log(line: String) {
        state.withLock { state in
            if let log = state.logDescriptor { Self.send(line + "\n", to: log) }
        }
    }

    /// Shows, replaces or (with nil) erases the bar. Does nothing where nobody watches.
    public func show(bar: String?) {
        guard isInteractive else { return }
        state.withLock { state in
            if state.bar == nil && bar == nil { return }
            state.bar = bar
            Self.send("\r\u{1B}[K" + (bar ?? ""), to: descriptor)
        }
    }

    /// Appends further lines to a file as well; replaces an earlier one.
    ///
    /// - Throws: `.cannotWrite`, `.diskFull`, `.deviceFailed`.
    public func copyLines(to path: String) throws(DataError) {
        let log = try FileCall.open.run(path) { open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) }
        let old = state.withLock { state in
            let old = state.logDescriptor
            state.logDescriptor = log
            return old
        }
        if let old { close(old) }
    }

    /// Lines are advice: a terminal that went away must not stop a run.
    private static func send(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }
}
