import Foundation
import Glibc
import SafeFiles

/// Standard output: data only, every write checked.
public struct DataOutput: Sendable {
    private let descriptor: Int32

    public init(descriptor: Int32 = STDOUT_FILENO) { self.descriptor = descriptor }

    /// Whether bold may be used: on a terminal, unless `NO_COLOR` holds anything.
    public var usesStyle: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(descriptor) == 1 && environment["TERM"] != "dumb" && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// - Throws: `.diskFull` or `.cannotWrite`, so that a truncated result is never an exit code 0.
    public func write(_ text: String) throws(DataError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                throw DataError(
                    code == ENOSPC ? .diskFull : .cannotWrite, file: "standard output", expected: "to write the result",
                    found: String(cString: strerror(code)), remedy: "check where the output goes")
            }
            rest = rest.dropFirst(count)
        }
    }
}
