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
                do throws(DataError) {
                    let got = try piece(
                        descriptor,
                        UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...]), path)
                    if got == 0 { return }
                    count += got
                } catch {
                    failed = error
                    return
                }
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

    /// Hands the file to `body` in pieces of `pieceSize` bytes, the last one the rest: hashing without holding the file.
    public static func forEachPiece(
        of path: String, pieceSize: Int = 1 << 20, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(DataError) {
        let (descriptor, _) = try openRegular(path)
        defer { close(descriptor) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            var count = 0
            while count < pieceSize {
                let got = try piece(descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[count...]), path)
                if got == 0 { break }
                count += got
            }
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
        }
    }

    /// What one call of `read` gets; 0 at the file's end.
    private static func piece(
        _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, _ path: String
    ) throws(DataError) -> Int {
        try FileCall.read.move(path, count: buffer.count) { Foundation.read(descriptor, buffer.baseAddress, $0) }
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
        let descriptor = try FileCall.openToRead.run(path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        var state = stat()
        guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DataError(
                .malformed, file: path, expected: "a regular file", found: "a folder, device or pipe",
                remedy: "name a file")
        }
        return (descriptor, Int(state.st_size))
    }
}

/// All bytes of a regular file of at most `limit` bytes; `FileBytes.read` under the name `SafeFiles.read`.
public func read(_ path: String, limit: Int) throws(DataError) -> [UInt8] {
    try FileBytes.read(path, limit: limit)
}
