import SafeFiles

extension SafetensorsHeader {
    /// Refuses, before anything is parsed, what no header may hold: nesting and millions of values, which cost a parser
    /// many times their size in memory, and numbers that are not plain digits (no sign, point or exponent). A header
    /// starts with its object: no byte-order mark.
    static func checkText(_ text: [UInt8], _ file: String) throws(DataError) {
        let first = text.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        guard first == UInt8(ascii: "{") else {
            throw malformed(file, "a JSON object as header", first.map { "byte \($0)" } ?? "an empty header")
        }
        var (depth, values, inString, index) = (0, 1, false, 0)
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "\\") && inString { index += 1 }
            if byte == UInt8(ascii: "\"") { inString.toggle() }
            if !inString {
                switch byte {
                case UInt8(ascii: "-"), UInt8(ascii: "."):
                    let found = "'\(Character(Unicode.Scalar(byte)))'"
                    throw malformed(file, "plain whole numbers", found, record: "byte \(8 + index)")
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    // The header, a tensor, its shape.
                    guard depth <= 3 else {
                        throw malformed(file, "at most 3 nested levels", "more", record: "byte \(8 + index)")
                    }
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                case UInt8(ascii: ","):
                    values += 1
                    guard values <= valueLimit else { throw malformed(file, "at most \(valueLimit) values", "more") }
                default: break
                }
            }
            index += 1
        }
    }
}
