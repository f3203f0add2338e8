import Foundation
import SafeFiles

/// A file written piece by piece under a temporary name, that takes its own name when it is whole.
///
/// Released before `finish`, it leaves nothing behind.
final class GrowingFile {
    private let path: String
    private let temporary: String
    private var descriptor: Int32
    private var pending: [UInt8] = []

    /// - Throws: `.cannotWrite` or `.diskFull`.
    init(_ path: String) throws(DataError) {
        self.path = path
        temporary = "\(path).tmp.\(getpid())"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        if descriptor < 0 { throw Self.failure(path, errno) }
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unlink(temporary)
        }
    }

    func append(_ text: String) throws(DataError) {
        pending += Array(text.utf8)
        if pending.count >= 1 << 20 { try flush() }
    }

    /// Syncs, and gives the file its name.
    func finish() throws(DataError) {
        try flush()
        guard fsync(descriptor) == 0 else { throw Self.failure(path, errno) }
        guard rename(temporary, path) == 0 else { throw Self.failure(path, errno) }
        close(descriptor)
        descriptor = -1
        try Folder.synchronize(Folder.parent(of: path))
    }

    private func flush() throws(DataError) {
        var done = 0
        while done < pending.count {
            let count = pending.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, $0.count - done) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path, errno) }
            done += count
        }
        pending.removeAll(keepingCapacity: true)
    }

    private static func failure(_ path: String, _ code: Int32) -> DataError {
        let full = code == ENOSPC || code == EDQUOT
        return DataError(
            full ? .diskFull : .cannotWrite, file: path, expected: "to write the file",
            found: String(cString: strerror(code)),
            remedy: full ? "free some disk space and run again" : "check that the folder exists and is writable")
    }
}
