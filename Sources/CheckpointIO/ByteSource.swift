import Foundation
import SafeFiles

/// The bytes of an open file, or of memory, read by position.
///
/// A file keeps one descriptor until its source is released. Reads are positional, so several threads may read at once;
/// nothing is mapped, so a file that shrinks gives an error and no signal.
final class ByteSource: Sendable {
    private enum Backing: Sendable {
        case file(Int32)
        case memory([UInt8])
    }

    /// The file's name, for messages.
    let path: String
    /// The size in bytes when the source was opened.
    let count: Int
    private let backing: Backing

    /// Opens a regular file; a pipe or device is refused without waiting for it.
    ///
    /// - Parameter expected: what the caller wants to read, as in "a readable safetensors file".
    init(path: String, expected: String) throws(DataError) {
        let descriptor: Int32
        do {
            descriptor = try FileCall.openToRead.run(path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        } catch {
            var failure = error
            failure.expected = expected
            if error.kind == .missing { failure.found = "no file" }
            throw failure
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DataError(
                .malformed, file: path, expected: "a regular file", found: "a folder or device",
                remedy: "check that the file is complete")
        }
        self.path = path
        count = Int(status.st_size)
        backing = .file(descriptor)
    }

    /// A source over bytes in memory; `name` stands for the path in messages.
    init(_ bytes: [UInt8], name: String) {
        path = name
        count = bytes.count
        backing = .memory(bytes)
    }

    deinit {
        if case .file(let descriptor) = backing { close(descriptor) }
    }

    /// The descriptor of a file, the bytes of memory: what another library needs to read the same.
    func withBacking<Result>(file: (Int32) -> Result, memory: ([UInt8]) -> Result) -> Result {
        switch backing {
        case .file(let descriptor): file(descriptor)
        case .memory(let bytes): memory(bytes)
        }
    }

    /// The bytes of a range.
    func bytes(_ range: Range<Int>) throws(DataError) -> [UInt8] {
        var failure: DataError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
            do throws(DataError) {
                try read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
                filled = range.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Fills a buffer with the bytes from `offset` on.
    ///
    /// - Throws: `DataError` when the file ends before the buffer is full.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
        var done = 0
        switch backing {
        case .memory(let bytes):
            guard offset >= 0, offset <= bytes.count, buffer.count <= bytes.count - offset else {
                throw ended(bytes.count, "the end of the file")
            }
            bytes.withUnsafeBytes { raw in
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[offset..<offset + buffer.count]))
            }
        case .file(let descriptor):
            while done < buffer.count {
                let start = done
                let got = try FileCall.read.move(path, count: buffer.count - start) {
                    pread(descriptor, buffer.baseAddress! + start, $0, off_t(offset + start))
                }
                guard got > 0 else { throw ended(offset + start, "the end of the file") }
                done += got
            }
        }
    }

    private func ended(_ offset: Int, _ found: String) -> DataError {
        DataError(
            .malformed, file: path, expected: "byte \(offset)", found: found,
            remedy: "check that the file is complete")
    }
}
