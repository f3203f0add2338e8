import SafeFiles

/// What a YAML text may hold, checked on the bytes before any parser builds a tree.
///
/// Aliases are refused: six levels of ten of them make 10^6 leaves out of 300 bytes, and `extends:` does their work.
/// Every alias needs an anchor of its name, so a text without a name behind both `&` and `*` has none. Nesting is
/// bounded by what causes it: brackets, indentation and chains of `- ` on one line.
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
        let anchors = Set(Self.names(after: UInt8(ascii: "&"), in: bytes).map(\.name))
        guard !anchors.isEmpty else { return }
        for alias in Self.names(after: UInt8(ascii: "*"), in: bytes) where anchors.contains(alias.name) {
            throw refused(
                line: line(of: alias.offset, in: bytes), "values written out",
                "the alias *\(String(decoding: alias.name, as: UTF8.self))", "repeat the value, or use 'extends:'")
        }
    }

    /// Runs of letters, digits, `-` and `_` right behind `mark`, as YAML names anchors.
    private static func names(after mark: UInt8, in bytes: [UInt8]) -> [(name: ArraySlice<UInt8>, offset: Int)] {
        var names: [(name: ArraySlice<UInt8>, offset: Int)] = []
        var offset = bytes.startIndex
        while let found = bytes[offset...].firstIndex(of: mark) {
            let end = bytes[(found + 1)...].firstIndex { !isNameByte($0) } ?? bytes.endIndex
            if end > found + 1 { names.append((bytes[(found + 1)..<end], found)) }
            offset = found + 1
        }
        return names
    }

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
