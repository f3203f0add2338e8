import Foundation

/// The system calls that read and write files, each counted by `FileFaults` and `ProcessFault`: tests can let any of them
/// fail, move half of its bytes, or end the process.
public enum FileCall: String, Sendable {
    case makeFolder, open, write, truncate, sync, close, rename, openFolder, syncFolder
    case openToRead, read

    /// Whether the call changes nothing on the disk.
    var reads: Bool { self == .openToRead || self == .read }

    /// Does the call, again while it is interrupted.
    ///
    /// - Parameters:
    ///   - path: named in the error.
    ///   - body: the system call: its result is negative where it failed and `errno` says why.
    /// - Throws: `DataError(failed:path:code:)`.
    @discardableResult
    public func run<Result: SignedInteger>(_ path: String, _ body: () -> Result) throws(DataError) -> Result {
        if case .error(let code)? = FileFaults.strike(self) { throw DataError(failed: self, path: path, code: code) }
        return try repeated(path, body)
    }

    /// Does a call that moves at most `count` bytes.
    ///
    /// A fault lets it move half of them: and go on, or fail, or die.
    ///
    /// - Parameter body: the system call for so many bytes.
    /// - Returns: the number of bytes moved, which may be less than `count`.
    public func move(_ path: String, count: Int, _ body: (Int) -> Int) throws(DataError) -> Int {
        switch FileFaults.strike(self, half: { _ = body(count / 2) }) {
        case nil: return try repeated(path) { body(count) }
        case .short: return try repeated(path) { body(max(1, count / 2)) }
        case .error(let code):
            if !reads { _ = body(count / 2) }
            throw DataError(failed: self, path: path, code: code)
        }
    }

    private func repeated<Result: SignedInteger>(_ path: String, _ body: () -> Result) throws(DataError) -> Result {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code == EINTR && self != .close { continue }
            throw DataError(failed: self, path: path, code: code)
        }
    }
}

extension DataError {
    /// A system call on a file that failed.
    ///
    /// `.diskFull` for ENOSPC, EDQUOT and EFBIG; `.deviceFailed` for EIO; else `.cannotWrite`, and for reading `.missing` or
    /// `.malformed`.
    public init(failed call: FileCall, path: String, code: Int32) {
        let text = String(cString: strerror(code))
        if call.reads {
            let kind: Kind = code == ENOENT || code == ENOTDIR ? .missing : code == EIO ? .deviceFailed : .malformed
            self.init(
                kind, file: path, expected: "a readable file", found: text,
                remedy: kind == .deviceFailed ? "check the disk and run again" : "check the path and its permissions")
            return
        }
        let full = code == ENOSPC || code == EDQUOT || code == EFBIG
        self.init(
            full ? .diskFull : code == EIO ? .deviceFailed : .cannotWrite, file: path,
            expected: call == .makeFolder ? "a folder that can be created" : "to write the file",
            found: "\(call.rawValue) failed: \(text)",
            remedy: full
                ? "free some disk space and run again"
                : code == EIO ? "check the disk and run again" : "check that the folder exists and is writable")
    }
}
