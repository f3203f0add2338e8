import SafeFiles

/// Class names from a file, so that no list of names is compiled in.
public enum ClassNames {
    /// Reads `objectInfo150.txt` and its kin (tab-separated, with a header that has `Idx` and `Name`), or a plain file
    /// of one name a line.
    ///
    /// Names are trimmed, synonyms kept as written; `Idx` must run 1, 2, 3, …
    public static func read(_ path: String) throws(DataError) -> [String] {
        let lines = try ImageList.read(path)
        guard let header = lines.first else { throw malformed(path, nil, "at least one class", "an empty file") }
        let columns = header.split(separator: "\t", omittingEmptySubsequences: false).map(trimmed)
        guard let name = columns.firstIndex(of: "Name") else { return lines }
        let number = columns.firstIndex(of: "Idx")
        var names: [String] = []
        for (row, line) in lines.dropFirst().enumerated() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(trimmed)
            guard fields.count > name, !fields[name].isEmpty else {
                throw malformed(path, "line \(row + 2)", "\(columns.count) tab-separated fields", "\(fields.count)")
            }
            if let number, Int(fields[number]) != row + 1 {
                throw malformed(path, "line \(row + 2)", "Idx \(row + 1)", fields[number])
            }
            names.append(fields[name])
        }
        guard !names.isEmpty else { throw malformed(path, nil, "at least one class", "only a header") }
        return names
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "\r" }.reversed())
    }

    private static func malformed(_ file: String, _ record: String?, _ expected: String, _ found: String) -> DataError {
        DataError(
            .malformed, file: file, record: record, expected: expected, found: found, remedy: "mend the class list")
    }
}
