/// Columns that fit the 345 points between the margins of an article, as far as numbers leave room: a table that is too wide gets
/// small letters, titles of numbers in several lines, and columns of long texts that break theirs.
struct LaTeXLayout {
    /// Whether the table needs small letters.
    let isSmall: Bool
    /// The letters of `tabular`.
    let columns: String
    /// The titles, ready to print.
    let header: [String]
    /// What ends a row.
    let rowEnd: String
    private let breaks: [Bool]

    /// Letters of the usual and of the small size on a line.
    private static let line = (usual: 70.0, small: 88.0)
    /// Letters of a column that never breaks.
    private static let short = 10

    init(_ table: ReportTable) {
        let longest = table.columns.indices.map { c in
            table.rows.map { min($0[c].text.unicodeScalars.count, VisibleText.cellLimit) }.max() ?? 0
        }
        let titles = table.columns.map { VisibleText.shortened($0.title) }
        let gaps = 2 * Double(titles.count)
        func width(_ lengths: [Int]) -> Double { lengths.reduce(gaps) { $0 + Double($1) } }
        let isText = table.columns.map { $0.alignment == .left }
        let whole = zip(longest, titles).map { max($0, $1.unicodeScalars.count + 2) }
        isSmall = width(whole) > Self.line.usual
        let stacked = zip(titles, longest).map { Self.lines($0, of: max($1, Self.short)) }
        let isStacked = width(whole) > Self.line.small
        let arrows = table.columns.map { column in
            column.direction.map { $0 == .higherIsBetter ? " $\\uparrow$" : " $\\downarrow$" } ?? ""
        }
        header = titles.indices.map { c in
            guard isStacked, stacked[c].count > 1, !isText[c] else { return LaTeXText.of(titles[c]) + arrows[c] }
            return "\\shortstack[r]{\(stacked[c].map { LaTeXText.of($0) }.joined(separator: "\\\\"))\(arrows[c])}"
        }
        let lengths = titles.indices.map { c in
            let title = isStacked && !isText[c] ? stacked[c].map(\.count).max() ?? 0 : titles[c].unicodeScalars.count
            return max(longest[c], title + (arrows[c].isEmpty ? 0 : 2))
        }
        guard width(lengths) > Self.line.small else {
            breaks = lengths.map { _ in false }
            columns = isText.map { $0 ? "l" : "r" }.joined()
            rowEnd = " \\\\"
            return
        }
        let breaks = zip(lengths, isText).map { $0 > Self.short && $1 }
        let room = max(0, Self.line.small - width(zip(lengths, breaks).map { $1 ? 0 : $0 }))
        // Roots, so that one long column leaves the others their words.
        let shares = zip(lengths, breaks).map { $1 ? Double($0).squareRoot() : 0 }
        let sum = max(shares.reduce(0, +), 1)
        columns = lengths.indices.map { c in
            guard breaks[c] else { return isText[c] ? "l" : "r" }
            let letters = min(Double(lengths[c] + 1), max(Double(Self.short), room * shares[c] / sum))
            return "p{\(NumberText.fixed(letters / Self.line.small, digits: 3))\\linewidth}"
        }.joined()
        self.breaks = breaks
        // In a ragged cell the usual end of a row would be the end of a line.
        rowEnd = breaks.contains(true) ? " \\tabularnewline" : " \\\\"
    }

    /// The table, or parts of it where no letters are small enough: each has the first two columns of words, and as many others as
    /// fit beside them.
    static func parts(of table: ReportTable) -> [ReportTable] {
        let widths = table.columns.enumerated().map { c, column -> Double in
            let longest = table.rows.map { $0[c].text.unicodeScalars.count }.max() ?? 0
            if column.alignment == .left { return Double(min(max(longest, column.title.count), short) + 2) }
            let title = lines(VisibleText.shortened(column.title), of: max(longest, short)).map(\.count).max() ?? 0
            return Double(min(max(longest, title + 2), VisibleText.cellLimit) + 2)
        }
        guard widths.reduce(0, +) > line.small else { return [table] }
        let keys = Array(table.columns.indices.prefix { $0 < 2 && table.columns[$0].alignment == .left })
        let used = keys.reduce(0) { $0 + widths[$1] }
        var (parts, room) = ([[Int]](), 0.0)
        for c in table.columns.indices.dropFirst(keys.count) {
            if parts.isEmpty || widths[c] > room {
                parts.append(keys)
                room = line.small - used
            }
            parts[parts.count - 1].append(c)
            room -= widths[c]
        }
        return parts.isEmpty ? [table] : parts.map(table.selecting)
    }

    /// Words in lines of about so many letters.
    private static func lines(_ text: String, of length: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ").map(String.init) {
            if let last = lines.last, last.count + 1 + word.count <= length {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(word)
            }
        }
        return lines
    }

    /// A cell's text; ragged in a column that breaks lines, where words may end after a slash or an underscore.
    func cell(_ text: String, column: Int) -> String {
        guard breaks[column] else { return text }
        return "\\raggedright "
            + text.replacing("/", with: "/\\allowbreak{}").replacing("\\_", with: "\\_\\allowbreak{}")
    }
}
