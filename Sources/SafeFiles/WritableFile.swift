import Foundation

/// A file that is open for writing: every call checked, completed where the system did a part of it, and its failure named.
/// Closed when it is released.
public final class WritableFile {
    /// The name that errors tell.
    public let path: String
    /// For locks and mappings.
    public let descriptor: Int32
    private var isOpen = true

    /// - Parameters:
    ///   - flags: of `open`, beside `O_CLOEXEC`.
    ///   - name: what errors tell instead of `path`, such as the name that a temporary file will take.
    /// - Throws: `DataError(failed:path:code:)`, as all that follows.
    public init(_ path: String, flags: Int32, name: String? = nil) throws(DataError) {
        descriptor = try FileCall.open.run(name ?? path) { open(path, flags | O_CLOEXEC, 0o644) }
        self.path = name ?? path
    }

    deinit {
        if isOpen { Foundation.close(descriptor) }
    }

    /// Writes all bytes where the file stands, or from `offset` on. After a failure some of them may stand there.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws(DataError) {
        var done = 0
        while done < bytes.count {
            let start = done
            let moved = try FileCall.write.move(path, count: bytes.count - start) { count in
                let place = bytes.baseAddress! + start
                guard let offset else { return Foundation.write(descriptor, place, count) }
                return pwrite(descriptor, place, count, off_t(offset + start))
            }
            done += moved
        }
    }

    /// Writes all bytes where the file stands, or from `offset` on.
    public func write(_ bytes: [UInt8], at offset: Int? = nil) throws(DataError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(DataError) in
            try write(UnsafeRawBufferPointer(buffer), at: offset)
        }
    }

    /// Cuts the file, or grows it by zeros.
    public func truncate(to size: Int) throws(DataError) {
        try FileCall.truncate.run(path) { ftruncate(descriptor, off_t(size)) }
    }

    /// Cuts the file back after a failed write, as far as the system still lets it.
    public func cut(to size: Int) { ftruncate(descriptor, off_t(size)) }

    /// Makes what is written survive a power loss.
    public func synchronize() throws(DataError) { try FileCall.sync.run(path) { fsync(descriptor) } }

    /// Closes the file and tells what the system had kept until then.
    public func close() throws(DataError) {
        isOpen = false
        try FileCall.close.run(path) { Foundation.close(descriptor) }
    }
}
