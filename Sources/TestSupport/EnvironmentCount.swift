import Foundation

/// How often a drawn check runs: a few times in the suite, as often as a variable of the environment says elsewhere.
public struct EnvironmentCount: Sendable {
    /// Nil where the variable is not set.
    public let wanted: Int?

    public init(_ variable: String) {
        let text = ProcessInfo.processInfo.environment[variable]
        wanted = text.map { text in
            guard let count = Int(text), count > 0 else {
                preconditionFailure("\(variable)=\(text): a number above 0")
            }
            return count
        }
    }

    /// A line of figures on the error stream where the variable is set; the suite stays silent.
    public func tell(_ line: @autoclosure () -> String) {
        if wanted != nil { FileHandle.standardError.write(Data("checked \(line())\n".utf8)) }
    }
}
