import SafeFiles

/// What a YAML text may hold, checked on the bytes before any parser builds a tree.
///
/// Aliases are refused: six levels of ten of them make 10^6 leaves out of 300 bytes, and `extends:` does their work.
/// Every alias needs an anchor of its name, so a text without a name behind both `&` and `*` has none; whoever writes
/// such a text escapes them (``references(in:)``). Nesting is bounded by what causes it: brackets, indentation and chains
/// of `- ` on one line.
struct YAMLLimits {
    /// Bytes of one file.
    static let maximalBytes = 1 << 20
    /// `[` and `{` of one file, each at most one level of nesting.
    static let maximalBrackets = 2_000
    /// Blanks before a line's first character, or before a nested `- ` on it.
    static let maximalIndent = 200
    /// Of a key: escaped in quotes, as recipes are written out, it stays below the 1,024 characters that YAML allows.
    static let maximalKeyBytes = 128

    let file: String

    func check(_ bytes: [UInt8]) throws(DataError) {
        try checkText(bytes)
        try checkAliases(bytes)
        try checkNesting(bytes)
    }

    func tooLarge(_ size: Int) -> DataError {
        refused(line: 1, "at most \(Self.maximalBytes) bytes", "\(size)", "split the file, or check its path")
    }

    private func refused(line: Int, _ expected: String, _ found: String, _ remedy: String) -> DataError {
        DataError(
            .configuration, file: file, record: "line \(line)", expected: expected, found: found, remedy: remedy)
    }

    private func checkText(_ bytes: [UInt8]) throws(DataError) {
        guard bytes.count <= Self.maximalBytes else { throw tooLarge(bytes.count) }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw refused(line: 1, "UTF-8 text", "other bytes", "save the file as UTF-8")
        }
        if let zero = bytes.firstIndex(of: 0) {
            throw refused(line: line(of: zero, in: bytes), "text", "a NUL byte", "check that this is a YAML file")
        }
    }

    private func checkAliases(_ bytes: [UInt8]) throws(DataError) {
        let references = Self.references(in: bytes)
        let anchors = Set(references.lazy.filter { bytes[$0.offset] == UInt8(ascii: "&") }.map(\.name))
        for alias in references where bytes[alias.offset] == UInt8(ascii: "*") && anchors.contains(alias.name) {
            throw refused(
                line: line(of: alias.offset, in: bytes), "values written out",
                "the alias *\(String(decoding: alias.name, as: UTF8.self))", "repeat the value, or use 'extends:'")
        }
    }

    /// What may be an anchor or an alias, in quotes too: each `&` and `*` that no name ends before and one begins behind.
    static func references(in bytes: [UInt8]) -> [(offset: Int, name: ArraySlice<UInt8>)] {
        var references: [(offset: Int, name: ArraySlice<UInt8>)] = []
        var offset = bytes.startIndex
        while let found = bytes[offset...].firstIndex(where: { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: "*") }) {
            let end = bytes[(found + 1)...].firstIndex { !isNameByte($0) } ?? bytes.endIndex
            let isInside = found > bytes.startIndex && isNameByte(bytes[found - 1])
            if end > found + 1 && !isInside { references.append((found, bytes[(found + 1)..<end])) }
            offset = found + 1
        }
        return references
    }

    /// Letters, digits, `-` and `_`, as YAML names anchors.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private func checkNesting(_ bytes: [UInt8]) throws(DataError) {
        var brackets = 0
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            brackets += line.count { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }
            let indicators: [UInt8] = [
                UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"),
            ]
            let indent = line.prefix { indicators.contains($0) }.count
            guard indent <= Self.maximalIndent, brackets <= Self.maximalBrackets else {
                throw refused(
                    line: number + 1,
                    "at most \(Self.maximalIndent) columns of indentation and \(Self.maximalBrackets) brackets",
                    indent > Self.maximalIndent ? "\(indent) columns" : "\(brackets) brackets", "flatten the file")
            }
        }
    }

    private func line(of offset: Int, in bytes: [UInt8]) -> Int {
        bytes[..<offset].count { $0 == UInt8(ascii: "\n") } + 1
    }
}
