/// What colours in pictures stand for.
public struct ColourKey: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var name: String
        public var red, green, blue: UInt8

        public init(name: String, red: UInt8, green: UInt8, blue: UInt8) {
            self.name = name
            self.red = red
            self.green = green
            self.blue = blue
        }

        /// As `#rrggbb`.
        var code: String {
            "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    public var title: String
    public var entries: [Entry]

    public init(title: String, entries: [Entry]) {
        self.title = title
        self.entries = entries
    }

    /// One row a colour.
    public var table: ReportTable {
        ReportTable(
            caption: title, columns: [.init("name"), .init("colour")],
            rows: entries.map { [.text($0.name), .text($0.code)] })
    }
}
