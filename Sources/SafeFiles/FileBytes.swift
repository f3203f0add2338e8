import Foundation

/// Whole-file reading with a limit, and reading in pieces.
public enum FileBytes {
    /// All bytes of a regular file.
    ///
    /// - Parameters:
    ///   - limit: the largest size accepted, in bytes.
    /// - Throws: `.missing` when there is no such file; `.malformed` when it is no regular file or larger than `limit`.
    public static func read(_ path: String, limit: Int) throws(DataError) -> [UInt8] {
        let (descriptor, size) = try openRegular(path)
        defer { close(descriptor) }
        guard size <= limit else {
            throw DataError(
                .malformed, file: path, expected: "at most \(limit) bytes", found: "\(size) bytes",
                remedy: "check that this is the right file")
        }
        var failed: DataError?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Foundation.read(descriptor, buffer.baseAddress! + count, size - count)
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failed = unreadable(path, errno) }
                if got <= 0 { return }
                count += got
            }
        }
        if let failed { throw failed }
        guard bytes.count == size else {
            throw DataError(
                .malformed, file: path, expected: "\(size) bytes", found: "\(bytes.count) bytes",
                remedy: "the file shrank while it was read: run again")
        }
        return bytes
    }

    /// Hands the file to `body` in pieces of at most `pieceSize` bytes, in order: hashing without holding the file.
    public static func forEachPiece(
        of path: String, pieceSize: Int = 1 << 20, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(DataError) {
        let (descriptor, _) = try openRegular(path)
        defer { close(descriptor) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let got = Foundation.read(descriptor, buffer.baseAddress, pieceSize)
            if got < 0 && errno == EINTR { continue }
            if got < 0 { throw unreadable(path, errno) }
            if got == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: buffer[0..<got]))
        }
    }

    /// The size in bytes of a regular file.
    public static func size(of path: String) throws(DataError) -> Int {
        let (descriptor, size) = try openRegular(path)
        close(descriptor)
        return size
    }

    /// Whether the path leads to a regular file.
    public static func exists(_ path: String) -> Bool {
        var state = stat()
        return stat(path, &state) == 0 && state.st_mode & S_IFMT == S_IFREG
    }

    /// Opens without blocking on a FIFO, then insists on a regular file.
    static func openRegular(_ path: String) throws(DataError) -> (descriptor: Int32, size: Int) {
        var descriptor: Int32 = -1
        repeat { descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        var state = stat()
        guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DataError(
                .malformed, file: path, expected: "a regular file", found: "a folder, device or pipe",
                remedy: "name a file")
        }
        return (descriptor, Int(state.st_size))
    }

    static func unreadable(_ path: String, _ code: Int32) -> DataError {
        DataError(
            code == ENOENT || code == ENOTDIR ? .missing : .malformed, file: path, expected: "a readable file",
            found: String(cString: strerror(code)), remedy: "check the path and its permissions")
    }
}

/// All bytes of a regular file of at most `limit` bytes; `FileBytes.read` under the name `SafeFiles.read`.
public func read(_ path: String, limit: Int) throws(DataError) -> [UInt8] {
    try FileBytes.read(path, limit: limit)
}
