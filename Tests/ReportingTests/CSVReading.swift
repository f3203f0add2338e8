/// A reader of RFC 4180 that knows nothing of the writer.
enum CSVReading {
    static func rows(_ text: String) -> [[String]] {
        var (rows, row, field) = ([[String]](), [String](), String.UnicodeScalarView())
        var (isQuoted, wasQuote) = (false, false)
        func endField() {
            row.append(String(field))
            field = .init()
        }
        for scalar in text.unicodeScalars {
            if isQuoted {
                if scalar == "\"" { (isQuoted, wasQuote) = (false, true) } else { field.append(scalar) }
                continue
            }
            switch scalar {
            case "\"":
                if wasQuote { field.append(scalar) }
                isQuoted = true
            case ",": endField()
            case "\r": break
            case "\n":
                endField()
                rows.append(row)
                row = []
            default: field.append(scalar)
            }
            wasQuote = false
        }
        return rows
    }
}
