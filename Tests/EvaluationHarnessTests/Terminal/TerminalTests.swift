import Foundation
import Logging
import Testing

@testable import EvaluationHarness

@Suite struct TerminalTests {
    /// What a terminal receives from `body`.
    static func output(isInteractive: Bool, environment: [String: String] = [:], _ body: (Terminal) throws -> Void)
        throws -> String
    {
        try withTemporaryFolder { folder in
            let path = folder + "/out"
            let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
            defer { close(descriptor) }
            try body(Terminal(descriptor: descriptor, isInteractive: isInteractive, environment: environment))
            return try text(of: path)
        }
    }

    @Test func linesGoAboveTheBar() throws {
        let text = try Self.output(isInteractive: true) { terminal in
            terminal.show(bar: "bar")
            terminal.write(line: "line")
            terminal.show(bar: nil)
            terminal.write(line: "end")
        }
        #expect(text == "\r\u{1B}[Kbar\r\u{1B}[Kline\nbar\r\u{1B}[Kend\n")
    }

    @Test func noBarWhereNobodyWatches() throws {
        let text = try Self.output(isInteractive: false) { terminal in
            terminal.show(bar: "bar")
            terminal.write(line: "line")
        }
        #expect(text == "line\n")
    }

    @Test func colourFollowsTheEnvironment() {
        func colour(_ isInteractive: Bool, _ environment: [String: String]) -> Bool {
            Terminal(descriptor: -1, isInteractive: isInteractive, environment: environment).usesColour
        }
        #expect(colour(true, [:]) && !colour(false, [:]))
        #expect(!colour(true, ["NO_COLOR": "1"]) && colour(true, ["NO_COLOR": ""]))
        #expect(colour(false, ["FORCE_COLOR": "1"]) && !colour(false, ["FORCE_COLOR": "1", "NO_COLOR": "x"]))
    }

    @Test func levelsAndFormatsOfLogLines() throws {
        let text = try Self.output(isInteractive: false) { terminal in
            var logger = Logger(label: "t") { _ in TerminalLogHandler(terminal: terminal) }
            logger[metadataKey: "run"] = "7"
            logger.debug("hidden")
            logger.info("plain")
            logger.warning("careful", metadata: ["file": "f"])
        }
        #expect(text == "plain  run=7\nwarning: careful  file=f  run=7\n")
        let json = try Self.output(isInteractive: false) { terminal in
            let logger = Logger(label: "t") { _ in TerminalLogHandler(terminal: terminal, format: .json) }
            logger.error("a \"b\"", metadata: ["k": "v"])
        }
        #expect(json.hasSuffix("\"level\":\"error\",\"message\":\"a \\\"b\\\"\",\"metadata\":{\"k\":\"v\"}}\n"))
    }

    @Test func logFilesGetTheSameLines() throws {
        try withTemporaryFolder { folder in
            _ = try Self.output(isInteractive: true) { terminal in
                try terminal.copyLines(to: folder + "/log.txt")
                terminal.show(bar: "bar")
                let logger = Logger(label: "t") { _ in TerminalLogHandler(terminal: terminal) }
                logger.info("hello")
                terminal.log(line: "only here")
            }
            let lines = try text(of: folder + "/log.txt").split(separator: "\n")
            #expect(lines.count == 2 && lines[0].hasSuffix("Z info hello") && lines[1] == "only here")
        }
    }

    @Test func timesAreUTC() {
        let date = Date(timeIntervalSince1970: 1_700_000_000.9)
        #expect(UTCTime.text(date) == "2023-11-14T22:13:20Z" && UTCTime.compact(date) == "20231114T221320Z")
    }
}
