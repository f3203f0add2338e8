import CSimdJSON

/// The bytes of a JSON file and its name, for what both the cutter and the readers of windows say about it.
struct JSONFileText {
    let bytes: UnsafeRawBufferPointer
    let file: String

    var start: UnsafePointer<UInt8>? { bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) }

    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }

    /// An error at byte `offset`.
    func refused(_ expected: String, record: String? = nil, at offset: Int) -> JSONError {
        if offset >= bytes.count {
            return JSONError(
                .truncated, file: file, record: record, offset: bytes.count, expected: expected,
                found: "the end of the file", remedy: "copy or write the file again, it was cut short")
        }
        return JSONError(
            .syntax, file: file, record: record, offset: offset, expected: expected,
            found: JSONError.excerpt(bytes, at: offset), remedy: "correct the text at this byte")
    }

    /// Records that end before `offset` in the run that starts at `start`.
    func recordsBefore(_ offset: Int, from start: Int) -> Int {
        var count = 0
        var position = start
        while true {
            var closed: Int32 = 0
            let end = dmt_json_split(self.start, bytes.count, position, 0, &closed)
            if end >= offset || closed == 1 || end == bytes.count { return count }
            count += 1
            position = end + 1
        }
    }
}
