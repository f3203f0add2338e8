import Synchronization

/// Reads a huge file whose size is in a few arrays: a top-level array, or the arrays of a top-level object.
///
/// Arrays are cut at record borders into windows of about `windowBytes`, parsed one by one, so memory stays at a few
/// windows whatever the size of the file. Everything in the file is checked, wanted or not.
public struct JSONArrayReader: Sendable {
    public var windowBytes: Int

    /// One window: `elements` is an array of whole records.
    public struct Window {
        /// Key of the array in the top-level object; nil for a top-level array.
        public let key: String?
        /// Index of the first record in its array; in `fold`, 0.
        public let firstIndex: Int
        public let elements: JSONCursor
        /// Where the records stand in the file, in bytes.
        public let range: Range<Int>
    }

    public init(windowBytes: Int = 256 << 10) { self.windowBytes = windowBytes }

    /// Walks the file in order.
    ///
    /// - Parameters:
    ///   - member: called once for each key of a top-level object, before its windows; an array's value is nil, any
    ///     other value is given whole.
    ///   - window: called for each window; an empty array has none.
    /// - Returns: whether the top level is an array (true) or an object (false).
    /// - Throws: `JSONError`, or what the closures throw.
    @discardableResult
    public func read(
        _ bytes: UnsafeRawBufferPointer, file: String,
        member: (_ key: String, _ value: JSONCursor?) throws -> Void = { _, _ in },
        window: (Window) throws -> Void
    ) throws -> Bool {
        var cutter = try JSONWindowCutter(bytes, file: file, windowBytes: windowBytes)
        let parser = JSONParser()
        var firstIndex = 0
        while let cut = try cutter.next(member) {
            if cut.isFirst { firstIndex = 0 }
            let elements = try Self.parse(cut, bytes, file, parser, firstIndex: firstIndex)
            let count = elements.count
            if count > 0 {
                try window(.init(key: cut.key, firstIndex: firstIndex, elements: elements, range: cut.range))
            }
            firstIndex += count
        }
        return cutter.isList
    }

    /// Makes a value of each window on several threads, and puts them together in file order.
    ///
    /// - Parameters:
    ///   - workers: calls its argument once on each thread and returns after all calls have.
    ///   - plain: tried first, with the text of a window; nil hands the window to `make`. Must take nothing that this
    ///     reader refuses. 64 readable bytes follow the text.
    ///   - make: may be called in any order, and again in order when something was refused: the error thrown is the
    ///     first in the file, as `read` finds it.
    ///   - use: adds a value to the result; one call at a time, in file order. `growth` is an estimate of how many times
    ///     more there will be in the end.
    /// - Returns: whether the top level is an array, and the result.
    public func fold<Value: Sendable, Result: Sendable>(
        _ bytes: UnsafeRawBufferPointer, file: String, into initial: Result,
        workers: (_ body: @Sendable () -> Void) -> Void,
        member: @escaping @Sendable (_ key: String, _ value: JSONCursor?) throws -> Void = { _, _ in },
        plain: @escaping @Sendable (_ key: String?, _ text: UnsafeRawBufferPointer) -> Value? = { _, _ in nil },
        make: @escaping @Sendable (Window) throws -> Value,
        use: @escaping @Sendable (_ result: inout Result, _ value: Value, _ growth: Double) -> Void
    ) throws -> (isList: Bool, result: Result) {
        nonisolated(unsafe) let bytes = bytes
        nonisolated(unsafe) let start = try JSONFold<Value, Result>(bytes, file, windowBytes, initial)
        let isList = start.isList
        let progress = Mutex(start)
        workers {
            let parser = JSONParser()
            while let (order, cut) = progress.withLock({ $0.next(member) }) {
                do {
                    let value: Value?
                    if !cut.isTruncated, let made = parser.padded(cut.range, of: bytes, { plain(cut.key, $0) }) {
                        value = made
                    } else {
                        let elements = try Self.parse(cut, bytes, file, parser, firstIndex: 0)
                        let window = Window(key: cut.key, firstIndex: 0, elements: elements, range: cut.range)
                        value = elements.count > 0 ? try make(window) : nil
                    }
                    progress.withLock { $0.finish(order, value, cut.range.upperBound, use) }
                } catch {
                    progress.withLock { $0.isRefused = true }
                }
            }
        }
        if let result = progress.withLock({ $0.isRefused ? nil : $0.result }) { return (isList, result) }
        try read(bytes, file: file, member: member) { _ = try make($0) }
        throw JSONFileText(bytes: bytes, file: file).refused("the text it was a moment ago", at: 0)
    }

    /// Parses the records of a window, naming the record of a fault.
    private static func parse(
        _ cut: JSONWindowCutter.Cut, _ bytes: UnsafeRawBufferPointer, _ file: String, _ parser: JSONParser,
        firstIndex: Int
    ) throws -> JSONCursor {
        let text = JSONFileText(bytes: bytes, file: file)
        func name(_ index: Int) -> String { "\(cut.key ?? "")[\(firstIndex + index)]" }
        let elements: JSONCursor
        do {
            elements = try parser.parse(
                text.slice(cut.range), file: file, record: nil, base: cut.range.lowerBound, asArray: true)
        } catch var error as JSONError {
            error.record = name(text.recordsBefore(error.offset, from: cut.range.lowerBound))
            if error.offset >= bytes.count {
                throw text.refused("more JSON", record: error.record, at: bytes.count)
            }
            throw error
        }
        let count = elements.count
        if cut.isTruncated { throw text.refused("',' or ']'", record: name(count), at: bytes.count) }
        if count == 0 && !(cut.isFirst && cut.isLast) {
            throw text.refused("a record after ','", at: cut.range.upperBound)
        }
        return elements
    }
}
