/// Writes small tar archives byte by byte, right ones and wrong ones.
public struct TarWriter {
    /// Without the end marker.
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// The archive with its end marker.
    public var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// A member with a header of its own name: `(data, rounded up to blocks of 512 bytes)`.
    ///
    /// - Parameters:
    ///   - name: at most 100 bytes.
    ///   - type: the type flag: "0" a file, "5" a folder, "2" a link, "L" a GNU long name, "x" pax records.
    ///   - change: of the header before its checksum is made.
    public mutating func add(
        _ name: String, _ data: [UInt8] = [], type: Character = "0", _ change: (inout [UInt8]) -> Void = { _ in }
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at place: Int) {
            for (offset, byte) in text.utf8.enumerated() { header[place + offset] = byte }
        }
        put(name, at: 0)
        for place in [100, 108, 116] { put("0000644", at: place) }
        put(Self.octal(data.count, digits: 11), at: 124)
        put(Self.octal(0, digits: 11), at: 136)
        put(String(type), at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        change(&header)
        for place in 148..<156 { header[place] = 32 }
        let sum = header.reduce(0) { $0 + Int($1) }
        put(Self.octal(sum, digits: 6), at: 148)
        header[154] = 0
        bytes += header + data + [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
    }

    public mutating func add(_ name: String, _ text: String) { add(name, Array(text.utf8)) }

    /// A member whose long name stands in a member of type "L" before it.
    public mutating func addWithLongName(_ name: String, _ data: [UInt8]) {
        add("././@LongLink", Array(name.utf8) + [0], type: "L")
        add(String(name.prefix(100)), data)
    }

    /// A member whose name stands in pax records before it.
    public mutating func addWithRecords(_ records: [(key: String, value: String)], _ name: String, _ data: [UInt8]) {
        add("PaxHeaders/x", records.flatMap { Self.record($0.key, $0.value) }, type: "x")
        add(name, data)
    }

    /// `LENGTH KEY=VALUE\n`.
    public static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n".utf8.count
        var length = rest + 1
        while "\(length)".utf8.count + rest != length { length += 1 }
        return Array("\(length) \(key)=\(value)\n".utf8)
    }

    public static func octal(_ value: Int, digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
