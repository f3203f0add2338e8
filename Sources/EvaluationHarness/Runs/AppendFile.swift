import Glibc
import SafeFiles

/// A file that grows by whole records and is cut back to its last whole record when it is opened again.
final class AppendFile {
    let path: String
    private let descriptor: Int32
    /// Bytes of whole records.
    private(set) var size: Int

    /// - Parameter keep: the number of leading bytes that hold whole records, given all bytes of an existing file.
    /// - Throws: `.cannotWrite`, `.diskFull`; `.malformed` where the existing file is no regular one.
    init(_ path: String, keep: ([UInt8]) -> Int) throws(DataError) {
        self.path = path
        let old = FileBytes.exists(path) ? try FileBytes.read(path, limit: 1 << 32) : []
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
        let whole = keep(old)
        size = whole
        if whole < old.count, ftruncate(descriptor, off_t(whole)) != 0 {
            let code = errno
            close(descriptor)
            throw Self.failure(path, code)
        }
    }

    deinit { close(descriptor) }

    /// Appends one record. A crash leaves at most one torn record, the last; a full disk leaves none.
    func append(_ record: [UInt8]) throws(DataError) {
        var rest = record[...]
        let strike = FileFaults.strike(.write) {
            _ = record.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count / 2) }
        }
        if let strike { throw Self.failure(path, strike) }
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                ftruncate(descriptor, off_t(size))
                throw Self.failure(path, code)
            }
            rest = rest.dropFirst(count)
        }
        size += record.count
    }

    /// Makes everything appended so far survive a power loss: before a checkpoint that refers to it.
    func synchronize() throws(DataError) {
        if let code = FileFaults.strike(.sync) { throw Self.failure(path, code) }
        guard fsync(descriptor) == 0 else { throw Self.failure(path, errno) }
    }

    private static func failure(_ path: String, _ code: Int32) -> DataError {
        let full = code == ENOSPC || code == EDQUOT
        return DataError(
            full ? .diskFull : .cannotWrite, file: path, expected: "to append to the file",
            found: String(cString: strerror(code)),
            remedy: full ? "free some disk space and resume" : "check the folder")
    }
}
