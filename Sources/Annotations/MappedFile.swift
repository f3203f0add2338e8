import Determinism
import JSONText
import SafeFiles

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The bytes of a file, mapped read-only; a pipe is read to its end instead.
final class MappedFile {
    let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    /// - Throws: `DataError.missing` if the file cannot be opened or read.
    init(_ path: String) throws {
        func refuse(_ found: String) -> DataError {
            DataError(
                .missing, file: path, expected: "a readable file", found: found, remedy: "check the path and its rights"
            )
        }
        let descriptor: Int32
        do { descriptor = try FileCall.openToRead.run(path) { open(path, O_RDONLY | O_CLOEXEC) } } catch {
            guard error.kind != .deviceFailed else { throw error }
            throw refuse(error.found)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw refuse(String(cString: strerror(errno))) }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            let size = Int(status.st_size)
            if size == 0 {
                bytes = UnsafeRawBufferPointer(start: nil, count: 0)
                isMapped = false
                return
            }
            guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
                throw refuse(String(cString: strerror(errno)))
            }
            madvise(base, size, MADV_SEQUENTIAL)
            bytes = UnsafeRawBufferPointer(start: base, count: size)
            isMapped = true
        case S_IFDIR:
            throw refuse("a directory")
        default:
            bytes = try MappedFile.drain(descriptor) { refuse($0) }
            isMapped = false
        }
    }

    /// A copy of a text that is in memory already.
    init(copying text: UnsafeRawBufferPointer) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 16)
        copy.copyMemory(from: text)
        bytes = UnsafeRawBufferPointer(copy)
        isMapped = false
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
    }

    /// Makes a value of each window of the JSON text on all threads and puts them together in file order; see
    /// `JSONArrayReader.fold`.
    ///
    /// - Throws: `DataError`.
    func foldWindows<Value: Sendable, Result: Sendable>(
        _ file: String, into initial: Result,
        member: @escaping @Sendable (_ key: String, _ value: JSONCursor?) throws -> Void = { _, _ in },
        plain: @escaping @Sendable (_ key: String?, _ text: UnsafeRawBufferPointer) -> Value? = { _, _ in nil },
        make: @escaping @Sendable (JSONArrayReader.Window) throws -> Value,
        use: @escaping @Sendable (_ result: inout Result, _ value: Value, _ growth: Double) -> Void
    ) throws -> (isList: Bool, result: Result) {
        nonisolated(unsafe) let text = self
        do {
            return try JSONArrayReader().fold(
                bytes, file: file, into: initial,
                workers: { body in Parallel.forEach(Parallel.threadCount) { _ in body() } }, member: member,
                plain: { key, window in
                    guard let value = plain(key, window) else { return nil }
                    text.release(window)
                    return value
                },
                make: { window in
                    defer { text.release(window.range) }
                    return try make(window)
                }, use: use)
        } catch let error as JSONError {
            throw DataError(error)
        }
    }

    /// Walks the windows of the JSON text in file order; see `JSONArrayReader.read`.
    ///
    /// - Throws: `DataError`, or what the closures throw.
    func eachWindow(
        _ file: String, member: (_ key: String, _ value: JSONCursor?) throws -> Void = { _, _ in },
        window: (JSONArrayReader.Window) throws -> Void
    ) throws -> Bool {
        do {
            return try JSONArrayReader().read(bytes, file: file, member: member) {
                try window($0)
                release($0.range)
            }
        } catch let error as JSONError {
            throw DataError(error)
        }
    }

    /// Gives the memory of whole pages in `range` back; they are read from the file again when they are needed again.
    func release(_ range: Range<Int>) {
        guard isMapped else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = (range.lowerBound + page - 1) / page * page
        let end = range.upperBound / page * page
        guard start < end else { return }
        madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress! + start), end - start, MADV_DONTNEED)
    }

    /// The same for a piece of `bytes`; nothing for bytes that lie elsewhere.
    private func release(_ piece: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, let own = piece.baseAddress, own >= start, own < start + bytes.count else {
            return
        }
        release((own - start)..<(own - start) + piece.count)
    }

    private static func drain(_ descriptor: Int32, _ refuse: (String) -> DataError) throws -> UnsafeRawBufferPointer {
        var collected: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw refuse(String(cString: strerror(errno)))
            }
            if count == 0 { break }
            collected += chunk[0..<count]
        }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: collected.count, alignment: 16)
        copy.copyBytes(from: collected)
        return UnsafeRawBufferPointer(copy)
    }
}
