/// What the threads of `JSONArrayReader.fold` share.
struct JSONFold<Value, Result> {
    private(set) var result: Result
    var isRefused = false
    private let byteCount: Int
    private var cutter: JSONWindowCutter
    private var cutCount = 0
    /// Windows used so far; later ones wait in `waiting`.
    private var usedCount = 0
    private var waiting: [Int: (value: Value?, end: Int)] = [:]

    init(_ bytes: UnsafeRawBufferPointer, _ file: String, _ windowBytes: Int, _ initial: Result) throws {
        byteCount = bytes.count
        cutter = try JSONWindowCutter(bytes, file: file, windowBytes: windowBytes)
        result = initial
    }

    var isList: Bool { cutter.isList }

    /// The next window; nil after the last one and after a refusal.
    mutating func next(
        _ member: (_ key: String, _ value: JSONCursor?) throws -> Void
    ) -> (order: Int, cut: JSONWindowCutter.Cut)? {
        if isRefused { return nil }
        do {
            guard let cut = try cutter.next(member) else { return nil }
            cutCount += 1
            return (cutCount - 1, cut)
        } catch {
            isRefused = true
            return nil
        }
    }

    /// Takes the value of a window that ends at byte `end`, and uses all whose turn it is.
    mutating func finish(
        _ order: Int, _ value: Value?, _ end: Int, _ use: (inout Result, Value, Double) -> Void
    ) {
        waiting[order] = (value, end)
        while let (value, end) = waiting.removeValue(forKey: usedCount) {
            usedCount += 1
            // Records differ a little in size, and room that is never touched costs nothing.
            if let value { use(&result, value, 1.1 * Double(byteCount) / Double(max(end, 1))) }
        }
    }
}
