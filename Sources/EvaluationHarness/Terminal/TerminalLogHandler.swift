import Foundation
import JSONText
import Logging
import Reporting

/// Log events as lines on a `Terminal`.
public struct TerminalLogHandler: LogHandler {
    public enum Format: String, Sendable, CaseIterable {
        /// `warning: message  key=value`; plain messages carry no level.
        case text
        /// One JSON object a line: time, level, message, metadata.
        case json
    }

    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    public let format: Format
    private let terminal: Terminal

    public init(terminal: Terminal, level: Logger.Level = .info, format: Format = .text) {
        self.terminal = terminal
        self.format = format
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let time = UTCTime.text(Date())
        switch format {
        case .json:
            let object: [(String, JSONValue)] =
                [
                    ("time", .string(time)), ("level", .string(event.level.rawValue)),
                    ("message", .string("\(event.message)")),
                ] + (pairs.isEmpty ? [] : [("metadata", .object(pairs.map { ($0.key, .string("\($0.value)")) }))])
            terminal.write(line: JSONValue.object(object).text())
        case .text:
            let tail = pairs.map { "  \($0.key)=\($0.value)" }.joined()
            let message = TerminalRenderer.printable("\(event.message)\(tail)", keepsLines: true)
            let logLine = "\(time) \(event.level.rawValue) \(message)"
            terminal.write(line: lead(event.level) + message, logLine: logLine)
        }
    }

    private func lead(_ level: Logger.Level) -> String {
        let colour: String? =
            switch level {
            case .trace, .debug: "2"
            case .info, .notice: nil
            case .warning: "33"
            case .error, .critical: "31"
            }
        guard let colour else { return "" }
        let word = "\(level.rawValue): "
        return terminal.usesColour ? "\u{1B}[\(colour)m\(word)\u{1B}[0m" : word
    }
}

/// Times as `2026-01-31T23:59:59Z`.
enum UTCTime {
    static func text(_ date: Date) -> String { format(date, "%Y-%m-%dT%H:%M:%SZ") }

    /// `20260131T235959Z`, for names of folders.
    static func compact(_ date: Date) -> String { format(date, "%Y%m%dT%H%M%SZ") }

    private static func format(_ date: Date, _ pattern: String) -> String {
        var seconds = time_t(date.timeIntervalSince1970.rounded(.down))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 40)
        let count = strftime(&buffer, buffer.count, pattern, &parts)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
