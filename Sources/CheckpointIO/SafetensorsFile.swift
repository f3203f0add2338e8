import Foundation
import SafeFiles

/// An open safetensors file: the header is read and checked, tensors are read on demand.
///
/// Holds one descriptor until it is released. Reads are positional, so several threads may read at once.
public final class SafetensorsFile: Sendable {
    public let path: String
    public let header: SafetensorsHeader
    private let descriptor: Int32

    /// Opens a file and checks its whole header.
    ///
    /// - Throws: `DataError`: missing file, or the rule that the file breaks.
    public init(path: String) throws(DataError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let missing = errno == ENOENT
            throw DataError(
                missing ? .missing : .malformed, file: path, expected: "a readable safetensors file",
                found: missing ? "no file" : String(cString: strerror(errno)), remedy: "check the path")
        }
        do throws(DataError) {
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw SafetensorsHeader.malformed(path, "a regular file", "a folder or device")
            }
            let size = Int(status.st_size)
            let prefix = try Self.read(descriptor, 0..<min(8, size), path)
            let range = try SafetensorsHeader.textRange(prefix: prefix, fileSize: size, file: path)
            let text = try Self.read(descriptor, range, path)
            header = try SafetensorsHeader(text: text, fileSize: size, file: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The little-endian bytes of a tensor, row-major.
    ///
    /// - Throws: `DataError` if the name is unknown or the file shrank since it was opened.
    public func bytes(of name: String) throws(DataError) -> [UInt8] {
        try Self.read(descriptor, try entry(name).byteRange, path)
    }

    /// Reads a tensor's bytes into memory of exactly its size.
    public func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
        let range = try entry(name).byteRange
        precondition(buffer.count == range.count, "read '\(name)': \(buffer.count) bytes for \(range.count)")
        try Self.fill(descriptor, from: range.lowerBound, buffer, path, range.count)
    }

    /// Reads part of a tensor's bytes.
    ///
    /// - Precondition: the part lies within the tensor.
    public func read(
        _ name: String, from offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(DataError) {
        let range = try entry(name).byteRange
        precondition(
            offset >= 0 && offset + buffer.count <= range.count,
            "read '\(name)': \(buffer.count) bytes at \(offset) of \(range.count)")
        try Self.fill(descriptor, from: range.lowerBound + offset, buffer, path, buffer.count)
    }

    /// - Throws: `DataError` naming the tensor when the file does not hold it.
    public func entry(_ name: String) throws(DataError) -> SafetensorsHeader.Entry {
        guard let entry = header[name] else {
            throw DataError(
                .malformed, file: path, record: "tensor '\(name)'", expected: "a tensor of that name",
                found: "\(header.entries.count) others", remedy: "list the names with dmt model info")
        }
        return entry
    }

    private static func read(_ descriptor: Int32, _ range: Range<Int>, _ path: String) throws(DataError) -> [UInt8] {
        var failure: DataError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            do throws(DataError) {
                try fill(descriptor, from: range.lowerBound, UnsafeMutableRawBufferPointer(buffer), path, range.count)
                count = range.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    private static func fill(
        _ descriptor: Int32, from offset: Int, _ buffer: UnsafeMutableRawBufferPointer, _ path: String, _ count: Int
    ) throws(DataError) {
        var done = 0
        while done < count {
            let got = pread(descriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else {
                let found = got == 0 ? "the end of the file" : String(cString: strerror(errno))
                throw SafetensorsHeader.malformed(path, "byte \(offset + done)", found)
            }
            done += got
        }
    }
}
