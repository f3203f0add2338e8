/// What is wrong with a part of an archive; the reader adds which archive and where.
struct TarFault: Error, Equatable {
    var expected: String
    var found: String
}

/// One block of 512 bytes that stands before a member of a tar archive: old, ustar and GNU.
///
/// - Source: POSIX.1-2024, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
struct TarHeader: Equatable {
    static let blockSize = 512

    enum Kind: Equatable {
        case file
        /// A folder, link or device: no data follows.
        case bare
        /// A hard or symbolic link: no data follows, the name stands for another member.
        case link
        case sparse
        /// GNU: the name of the next member.
        case longName
        /// pax: records that hold for the next member.
        case extended
        /// More about the next member, or about all, that nothing here depends on.
        case remark
        /// A member of a kind that is not known; data follows.
        case unknown
    }

    var kind: Kind
    var name: [UInt8]
    /// Bytes of data that follow.
    var size: Int

    /// Reads a block; nil for one of zeros alone, which ends an archive.
    ///
    /// - Throws: for a wrong checksum, and for numbers that are none or too large.
    init?(_ block: ArraySlice<UInt8>) throws(TarFault) {
        precondition(block.count == Self.blockSize, "a tar header of \(block.count) bytes")
        if block.allSatisfy({ $0 == 0 }) { return nil }
        func field(_ range: Range<Int>) -> ArraySlice<UInt8> {
            block[block.startIndex + range.lowerBound..<block.startIndex + range.upperBound]
        }
        let blanks = 8 * Int(UInt8(ascii: " "))
        let stored = try Self.number(field(148..<156), "checksum")
        let (head, tail) = (field(0..<148), field(156..<512))
        let sum = head.reduce(blanks) { $0 + Int($1) } + tail.reduce(0) { $0 + Int($1) }
        // Some old writers add up signed bytes.
        let signed =
            head.reduce(blanks) { $0 + Int(Int8(bitPattern: $1)) } + tail.reduce(0) { $0 + Int(Int8(bitPattern: $1)) }
        guard stored == sum || stored == signed else {
            throw TarFault(expected: "a tar header of checksum \(stored)", found: "\(sum)")
        }
        size = try Self.number(field(124..<136), "size")
        name = Self.text(field(0..<100))
        // GNU's magic ends in spaces, and it keeps times where ustar has the first part of a long name.
        if field(257..<263).elementsEqual("ustar\0".utf8), field(345..<500).first != 0 {
            name = Self.text(field(345..<500)) + [UInt8(ascii: "/")] + name
        }
        switch field(156..<157).first! {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = name.last == UInt8(ascii: "/") ? .bare : .file
        case UInt8(ascii: "1"), UInt8(ascii: "2"): kind = .link
        case UInt8(ascii: "3")...UInt8(ascii: "6"): kind = .bare
        case UInt8(ascii: "S"): kind = .sparse
        case UInt8(ascii: "L"): kind = .longName
        case UInt8(ascii: "x"), UInt8(ascii: "X"): kind = .extended
        case UInt8(ascii: "K"), UInt8(ascii: "g"): kind = .remark
        default: kind = .unknown
        }
        if kind == .bare || kind == .link { size = 0 }
    }

    /// The bytes before the first NUL.
    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    /// A number in octal digits between blanks, or in base 256 where the first bit is set.
    static func number(_ field: ArraySlice<UInt8>, _ what: String) throws(TarFault) -> Int {
        if let first = field.first, first & 0x80 != 0 {
            var value = first == 0x80 ? 0 : -1
            for byte in field.dropFirst() where value >= 0 {
                let (shifted, overflow) = value.multipliedReportingOverflow(by: 256)
                value = overflow ? -1 : shifted | Int(byte)
            }
            guard value >= 0 else { throw TarFault(expected: "a \(what) of at most 63 bits", found: "another") }
            return value
        }
        let blank = { (byte: UInt8) in byte == 0 || byte == UInt8(ascii: " ") }
        let digits = field.drop(while: blank).prefix { !blank($0) }
        let rest = field[digits.endIndex...]
        guard rest.allSatisfy(blank), digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }) else {
            throw TarFault(expected: "a \(what) in octal digits", found: "other bytes")
        }
        return digits.reduce(0) { $0 << 3 | Int($1 - UInt8(ascii: "0")) }
    }
}
