import JSONText
import SafeFiles

/// What a safetensors file holds, without its numbers.
///
/// Goals, in order: 1 accept exactly what the reference reader accepts, less what it leaves undefined (repeated keys,
/// ranks above 32, numbers that are not plain digits) and headers of more than a million values; 2 never allocate for
/// sizes that the file only claims; 3 say which rule a refused file breaks.
///
/// - Source: huggingface/safetensors, safetensors/src/tensor.rs and README "Format".
public struct SafetensorsHeader: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var name: String
        public var type: SafetensorsType
        public var shape: [Int]
        /// Bytes from the start of the file.
        public var byteRange: Range<Int>

        /// Number of elements; 1 for rank 0.
        public var count: Int { shape.reduce(1, *) }
    }

    /// In the order of their bytes.
    public let entries: [Entry]
    /// The `__metadata__` map.
    public let metadata: [String: String]
    private let indices: [String: Int]

    /// The largest header the reference reader takes.
    public static let headerLimit = 100_000_000
    /// The most values taken here, about five a tensor.
    public static let valueLimit = 1_000_000
    /// The largest rank taken here.
    public static let rankLimit = 32

    /// Reads the length field of a file of `fileSize` bytes.
    ///
    /// - Parameter prefix: the first 8 bytes of the file, or all of a shorter one.
    /// - Returns: the byte range of the header text.
    public static func textRange(prefix: [UInt8], fileSize: Int, file: String) throws(DataError) -> Range<Int> {
        guard fileSize >= 8, prefix.count >= 8 else {
            throw malformed(file, "8 bytes of header length", "a file of \(fileSize) bytes")
        }
        let length = prefix[0..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(headerLimit) else {
            throw malformed(file, "a header of at most \(headerLimit) bytes", "a header length of \(length)")
        }
        guard Int(length) <= fileSize - 8 else {
            throw malformed(file, "a header inside the file", "header length \(length) in a file of \(fileSize) bytes")
        }
        return 8..<8 + Int(length)
    }

    /// Reads a header text.
    ///
    /// - Parameters:
    ///   - text: the bytes at `textRange`.
    ///   - fileSize: bytes of the whole file; the tensors must fill it to the end.
    public init(text: [UInt8], fileSize: Int, file: String) throws(DataError) {
        try Self.checkText(text, file)
        let root: JSONValue
        do {
            root = try JSONValue.parse(text, file: file)
        } catch let error as JSONError {
            throw Self.malformed(
                file, "a header in JSON: \(error.expected)", error.found, record: "byte \(8 + error.offset)")
        } catch {
            throw Self.malformed(file, "a header in JSON", "\(error)")
        }
        guard case .object(let members) = root else {
            throw Self.malformed(file, "a JSON object as header", "another JSON value")
        }
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        let dataStart = 8 + text.count
        for (name, value) in members {
            if name == "__metadata__" {
                metadata = try Self.metadata(value, file)
            } else {
                entries.append(try Self.entry(name, value, dataStart: dataStart, file))
            }
        }
        // Empty tensors share their start with the next tensor: the end decides, then the name.
        entries.sort {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound, $0.name)
                < ($1.byteRange.lowerBound, $1.byteRange.upperBound, $1.name)
        }
        var next = dataStart
        for entry in entries {
            guard entry.byteRange.lowerBound == next else {
                throw Self.malformed(
                    file, "tensors without holes or overlaps, the next at data byte \(next - dataStart)",
                    "data byte \(entry.byteRange.lowerBound - dataStart)", record: "tensor '\(entry.name)'")
            }
            next = entry.byteRange.upperBound
        }
        guard next == fileSize else {
            throw Self.malformed(
                file, "a file that ends with its last tensor, \(next) bytes", "\(fileSize) bytes")
        }
        self.entries = entries
        self.metadata = metadata
        // Keys differ: the reader of JSON refuses a second one.
        indices = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
    }

    /// The entry of a tensor.
    public subscript(name: String) -> Entry? { indices[name].map { entries[$0] } }

    private static func metadata(_ value: JSONValue, _ file: String) throws(DataError) -> [String: String] {
        guard case .object(let members) = value else {
            throw malformed(file, "an object of strings", "another JSON value", record: "__metadata__")
        }
        var result: [String: String] = [:]
        for (key, value) in members {
            guard case .string(let text) = value else {
                throw malformed(file, "a string", "another JSON value", record: "__metadata__ '\(key)'")
            }
            result[key] = text
        }
        return result
    }

    private static func entry(
        _ name: String, _ value: JSONValue, dataStart: Int, _ file: String
    ) throws(DataError) -> Entry {
        let record = "tensor '\(name)'"
        guard case .object(let members) = value, members.count == 3 else {
            throw malformed(file, "an object of dtype, shape and data_offsets", "something else", record: record)
        }
        guard case .string(let typeName)? = value["dtype"] else {
            throw malformed(file, "a dtype", "none", record: record)
        }
        guard let type = SafetensorsType(rawValue: typeName) else {
            throw malformed(file, "a known dtype", "'\(typeName)'", record: record)
        }
        guard let shape = integers(value["shape"]) else {
            throw malformed(file, "a shape of whole numbers from 0", "something else", record: record)
        }
        guard shape.count <= rankLimit else {
            throw malformed(file, "at most \(rankLimit) axes", "\(shape.count)", record: record)
        }
        guard let offsets = integers(value["data_offsets"]), offsets.count == 2 else {
            throw malformed(file, "two data_offsets from 0", "something else", record: record)
        }
        guard offsets[0] <= offsets[1] else {
            throw malformed(file, "data_offsets in order", "\(offsets[0]), \(offsets[1])", record: record)
        }
        guard let bits = bitCount(shape, type) else {
            throw malformed(file, "a size below 2^63 bits", "shape \(shape)", record: record)
        }
        guard bits % 8 == 0 else { throw malformed(file, "whole bytes", "\(bits) bits", record: record) }
        guard offsets[1] - offsets[0] == bits / 8 else {
            throw malformed(
                file, "\(bits / 8) bytes for \(typeName) of shape \(shape)", "\(offsets[1] - offsets[0])",
                record: record)
        }
        let (end, overflow) = dataStart.addingReportingOverflow(offsets[1])
        guard !overflow else { throw malformed(file, "offsets inside the file", "\(offsets[1])", record: record) }
        return Entry(name: name, type: type, shape: shape, byteRange: dataStart + offsets[0]..<end)
    }

    private static func integers(_ value: JSONValue?) -> [Int]? {
        guard case .array(let items)? = value else { return nil }
        var result: [Int] = []
        for item in items {
            guard case .int(let number) = item, number >= 0 else { return nil }
            result.append(Int(number))
        }
        return result
    }

    /// Multiplied from the left as the reference reader does; `nil` on overflow, even where a later axis is 0.
    private static func bitCount(_ shape: [Int], _ type: SafetensorsType) -> Int? {
        var product = 1
        for size in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: size)
            if overflow { return nil }
            product = next
        }
        let (bits, overflow) = product.multipliedReportingOverflow(by: type.bitCount)
        return overflow ? nil : bits
    }

    static func malformed(_ file: String, _ expected: String, _ found: String, record: String? = nil) -> DataError {
        DataError(
            .malformed, file: file, record: record, expected: expected, found: found,
            remedy: "the file is cut short, altered or no safetensors file; get it again")
    }
}
