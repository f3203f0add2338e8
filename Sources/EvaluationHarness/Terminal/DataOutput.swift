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

    /// - Throws: `.diskFull`, `.deviceFailed` or `.cannotWrite`, so that a truncated result is never an exit code 0.
    public func write(_ text: String) throws(DataError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let moved = try FileCall.write.move("standard output", count: rest.count) { count in
                rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, count) }
            }
            rest = rest.dropFirst(moved)
        }
    }
}
