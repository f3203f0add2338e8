import Foundation

/// A regular file that is open for reading at any place. Closed when the value goes.
public struct OpenFile: ~Copyable {
    public let path: String
    /// Bytes, when it was opened.
    public let size: Int
    private let descriptor: Int32

    /// - Throws: `.missing` when there is no such file; `.malformed` when it is no regular file.
    public init(_ path: String) throws(DataError) {
        (descriptor, size) = try FileBytes.openRegular(path)
        self.path = path
    }

    deinit { close(descriptor) }

    /// `count` bytes from byte `offset` on.
    ///
    /// - Throws: `.malformed` when the file ends before, or cannot be read.
    public func read(at offset: Int, count: Int) throws(DataError) -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
            throw short(offset, count, found: size)
        }
        var failed: DataError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                do throws(DataError) {
                    let start = filled
                    let got = try FileCall.read.move(path, count: count - start) {
                        pread(descriptor, buffer.baseAddress! + start, $0, off_t(offset + start))
                    }
                    if got == 0 { return }
                    filled += got
                } catch {
                    failed = error
                    return
                }
            }
        }
        if let failed { throw failed }
        guard bytes.count == count else { throw short(offset, count, found: offset + bytes.count) }
        return bytes
    }

    private func short(_ offset: Int, _ count: Int, found: Int) -> DataError {
        DataError(
            .malformed, file: path, record: "byte \(offset)", expected: "\(count) bytes",
            found: "the file's end at byte \(found)", remedy: "fetch the file again")
    }
}
