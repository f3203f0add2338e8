import Glibc
import SafeFiles

/// A file that grows by whole records and is cut back to its last whole record when it is opened again.
final class AppendFile {
    let path: String
    private let file: WritableFile
    /// Bytes of whole records.
    private(set) var size: Int

    /// - Parameter keep: the number of leading bytes that hold whole records, given all bytes of an existing file.
    /// - Throws: `.cannotWrite`, `.diskFull`, `.deviceFailed`; `.malformed` where the existing file is no regular one.
    init(_ path: String, keep: ([UInt8]) -> Int) throws(DataError) {
        self.path = path
        let old = FileBytes.exists(path) ? try FileBytes.read(path, limit: 1 << 32) : []
        file = try WritableFile(path, flags: O_WRONLY | O_CREAT | O_APPEND)
        size = keep(old)
        if size < old.count { try file.truncate(to: size) }
    }

    /// Appends one record. A crash leaves at most one torn record, the last; a full disk leaves none.
    func append(_ record: [UInt8]) throws(DataError) {
        do { try file.write(record) } catch {
            file.cut(to: size)
            throw error
        }
        size += record.count
    }

    /// Makes everything appended so far survive a power loss: before a checkpoint that refers to it.
    func synchronize() throws(DataError) { try file.synchronize() }
}
