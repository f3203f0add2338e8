/// A suite of checks for tools that read JUnit's XML.
public struct JUnitSuite: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
        case passed
        /// - Parameters:
        ///   - message: one line.
        ///   - text: everything that is known, lines kept.
        case failed(message: String, text: String)
        case skipped(message: String)
    }

    public struct Case: Sendable, Equatable {
        public var name: String
        /// Groups cases: "gate.segment.scenes".
        public var className: String
        public var outcome: Outcome
        /// Shown beside the case, whatever its outcome; empty for nothing.
        public var output: String
        public var seconds: Double

        public init(name: String, className: String, outcome: Outcome, output: String = "", seconds: Double = 0) {
            self.name = name
            self.className = className
            self.outcome = outcome
            self.output = output
            self.seconds = seconds
        }
    }

    public var name: String
    public var cases: [Case]

    public init(name: String, cases: [Case]) {
        self.name = name
        self.cases = cases
    }

    public var failureCount: Int {
        cases.count { if case .failed = $0.outcome { true } else { false } }
    }

    public var skippedCount: Int {
        cases.count { if case .skipped = $0.outcome { true } else { false } }
    }
}

/// JUnit's XML: `testsuites`, `testsuite`, `testcase` with `failure` or `skipped`.
///
/// - Source: `junit-10.xsd` of Jenkins's xUnit plugin, which files of this form pass; counts as attributes, times in seconds.
public enum JUnitText {
    public static func text(_ suites: [JUnitSuite]) -> String {
        var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        let tests = suites.reduce(0) { $0 + $1.cases.count }
        let failures = suites.reduce(0) { $0 + $1.failureCount }
        out += "<testsuites tests=\"\(tests)\" failures=\"\(failures)\" errors=\"0\">\n"
        for suite in suites {
            let seconds = suite.cases.reduce(0) { $0 + $1.seconds }
            out += "  <testsuite name=\"\(escape(suite.name))\" tests=\"\(suite.cases.count)\" "
            out += "failures=\"\(suite.failureCount)\" errors=\"0\" skipped=\"\(suite.skippedCount)\" "
            out += "time=\"\(NumberText.fixed(seconds, digits: 3))\">\n"
            for entry in suite.cases { out += text(entry) }
            out += "  </testsuite>\n"
        }
        return out + "</testsuites>\n"
    }

    private static func text(_ entry: JUnitSuite.Case) -> String {
        var out = "    <testcase name=\"\(escape(entry.name))\" classname=\"\(escape(entry.className))\" "
        out += "time=\"\(NumberText.fixed(entry.seconds, digits: 3))\""
        var children = ""
        switch entry.outcome {
        case .passed: break
        case .failed(let message, let text):
            children +=
                "      <failure message=\"\(escape(message))\" type=\"failure\">\(escape(text, keepsLines: true))</failure>\n"
        case .skipped(let message): children += "      <skipped message=\"\(escape(message))\"/>\n"
        }
        if !entry.output.isEmpty {
            children += "      <system-out>\(escape(entry.output, keepsLines: true))</system-out>\n"
        }
        return children.isEmpty ? out + "/>\n" : out + ">\n\(children)    </testcase>\n"
    }

    /// Markup becomes entities, line breaks in attributes survive as references, and characters that XML 1.0 has no way to
    /// write become U+FFFD.
    ///
    /// - Parameter keepsLines: for text between tags, where a line feed stands for itself.
    static func escape(_ text: String, keepsLines: Bool = false) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&apos;"
            case "\n" where keepsLines: out += "\n"
            case "\n", "\r", "\t": out += "&#\(scalar.value);"
            default:
                let isForbidden =
                    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0xFFFE
                    || scalar.value == 0xFFFF
                out.unicodeScalars.append(isForbidden ? "\u{FFFD}" : scalar)
            }
        }
        return out
    }
}
