/// The grammar of a `.npy` header:
///
///     dict  = "{" [ pair { "," pair } [ "," ] ] "}"        then spaces and newlines to the end
///     pair  = string ":" ( string | "True" | "False" | tuple )
///     tuple = "(" [ int { "," int } [ "," ] ] ")"          a single size needs its comma
///
/// Strings stand in single or double quotes and hold printable ASCII without quotes or backslashes; sizes are plain
/// digits.
struct NumPyLiteral {
    struct Fields: Equatable {
        var descr: String
        var isFortranOrder: Bool
        var shape: [Int]
    }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The three fields, or `nil` for anything else.
    mutating func fields() -> Fields? {
        var descr: String?
        var order: Bool?
        var shape: [Int]?
        guard skip("{") else { return nil }
        while !skip("}") {
            guard let name = string(), skip(":") else { return nil }
            switch name {
            case "descr" where descr == nil: descr = string()
            case "fortran_order" where order == nil: order = bool()
            case "shape" where shape == nil: shape = sizes()
            default: return nil
            }
            if skip(",") { continue }
            guard skip("}") else { return nil }
            break
        }
        skipSpaces()
        guard position == bytes.endIndex, let descr, let order, let shape else { return nil }
        return Fields(descr: descr, isFortranOrder: order, shape: shape)
    }

    private mutating func sizes() -> [Int]? {
        guard skip("(") else { return nil }
        var sizes: [Int] = []
        var endsWithComma = false
        while !skip(")") {
            guard sizes.isEmpty || endsWithComma, let size = size() else { return nil }
            sizes.append(size)
            endsWithComma = skip(",")
        }
        // (3) is a number in brackets, and no tuple.
        return sizes.count == 1 && !endsWithComma ? nil : sizes
    }

    private mutating func size() -> Int? {
        skipSpaces()
        let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty, digits.count <= 19, digits.count == 1 || digits.first != 0x30 else { return nil }
        position += digits.count
        return Int(String(decoding: digits, as: UTF8.self))
    }

    private mutating func bool() -> Bool? {
        if skip("True") { return true }
        return skip("False") ? false : nil
    }

    private mutating func string() -> String? {
        skipSpaces()
        guard let quote = bytes[position...].first, quote == 0x27 || quote == 0x22 else { return nil }
        let text = bytes[(position + 1)...].prefix { (0x20...0x7E).contains($0) && $0 != quote && $0 != 0x5C }
        guard text.endIndex < bytes.endIndex, bytes[text.endIndex] == quote else { return nil }
        position = text.endIndex + 1
        return String(decoding: text, as: UTF8.self)
    }

    /// Passes spaces and then the word; stays where it is when another stands there.
    private mutating func skip(_ word: String) -> Bool {
        skipSpaces()
        guard bytes[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    private mutating func skipSpaces() {
        while position < bytes.endIndex, bytes[position] == 0x20 || bytes[position] == 0x0A { position += 1 }
    }
}
