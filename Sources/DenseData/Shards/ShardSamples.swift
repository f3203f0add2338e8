import ImageFiles
import SafeFiles

/// The samples of one tar archive: members that share a name up to the first dot behind the last slash, their key.
///
/// `KEY.jpg`, `.jpeg` or `.png` is the picture, `KEY.cls` its class as a number from 0 in ASCII; capital letters in
/// endings are fine. Other members, and files whose name starts with a dot, are passed over. Samples stand in the order
/// in which their keys first appear.
///
/// - Source: the layout of WebDataset (github.com/webdataset/webdataset), as its documentation gives it.
struct ShardSamples {
    enum Labels: Sendable, Equatable {
        /// `KEY.cls` is not read; a key without a picture is no sample.
        case none
        /// Every picture has a class below `count`.
        case classes(count: Int)
    }

    struct Sample: Equatable {
        /// The picture's name.
        var name: String
        var offset: Int
        var size: Int
        /// -1 where labels were not asked for.
        var label: Int
    }

    private struct Group {
        var picture: TarReader.Member?
        var label: Int?
        /// The member that came first, for messages.
        let first: String
    }

    /// Digits and blanks of a class number.
    private static let longestLabel = 32

    private(set) var samples: [Sample] = []
    private let file: String
    private let labels: Labels

    /// - Throws: `.malformed`, naming archive and member, for an archive that is not whole, no sample at all, a key with two
    ///   pictures or classes, and with labels for a picture without a class, a class without a picture, and a class that is
    ///   no number or too large.
    init(_ file: String, labels: Labels, maxPictureBytes: Int = ImageLimits.standard.maxFileBytes) throws(DataError) {
        (self.file, self.labels) = (file, labels)
        var reader = try TarReader(file)
        var (keys, groups) = ([String](), [String: Group]())
        while var member = try reader.next() {
            while member.name.hasPrefix("./") { member.name.removeFirst(2) }
            guard let (key, ending) = Self.parts(of: member.name) else { continue }
            let isPicture = ["jpg", "jpeg", "png"].contains(ending)
            guard isPicture || (ending == "cls" && labels != .none) else { continue }
            try check(member)
            if groups[key] == nil {
                keys.append(key)
                groups[key] = Group(first: member.name)
            }
            if isPicture {
                if let other = groups[key]!.picture {
                    throw malformed(member.name, "one picture of each key", "\(other.name) before it")
                }
                guard member.size <= min(maxPictureBytes, Int(UInt32.max)) else {
                    throw malformed(member.name, "a picture of at most \(maxPictureBytes) bytes", "\(member.size)")
                }
                groups[key]!.picture = member
            } else {
                guard groups[key]!.label == nil else {
                    throw malformed(member.name, "one class of each key", "a second one")
                }
                groups[key]!.label = try label(of: member, &reader)
            }
        }
        for key in keys { try take(groups[key]!) }
        guard !samples.isEmpty else {
            throw DataError(
                .malformed, file: file, expected: "at least one member KEY.jpg, KEY.jpeg or KEY.png", found: "none",
                remedy: "check that this is an archive of pictures, or leave it out")
        }
    }

    private mutating func take(_ group: Group) throws(DataError) {
        if labels == .none {
            guard let picture = group.picture else { return }
            samples.append(Sample(name: picture.name, offset: picture.offset, size: picture.size, label: -1))
            return
        }
        guard let picture = group.picture else { throw malformed(group.first, "a picture of its key", "none") }
        guard let label = group.label else { throw malformed(picture.name, "a member .cls of its key", "none") }
        samples.append(Sample(name: picture.name, offset: picture.offset, size: picture.size, label: label))
    }

    /// Key and ending in small letters; nil for a name without an ending and for hidden files.
    static func parts(of name: String) -> (key: String, ending: String)? {
        let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        guard let dot = name[start...].firstIndex(of: "."), dot > start else { return nil }
        return (String(name[..<dot]), name[name.index(after: dot)...].lowercased())
    }

    /// Names become lines of prediction files, and data must be where its name is.
    private func check(_ member: TarReader.Member) throws(DataError) {
        if let fault = RootedPath.fault(in: member.name) {
            throw malformed(member.name, "a name without '..' and without a leading slash", fault)
        }
        guard member.name.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) else {
            throw malformed(member.name.debugDescription, "a name without control characters", "some")
        }
        guard member.isWhole else {
            throw malformed(member.name, "a member with its own data", "a link or a sparse file")
        }
    }

    private func label(of member: TarReader.Member, _ reader: inout TarReader) throws(DataError) -> Int {
        guard case .classes(let count) = labels, member.size <= Self.longestLabel else {
            throw malformed(member.name, "a class number of at most \(Self.longestLabel) bytes", "\(member.size)")
        }
        let bytes = try reader.contents(of: member)
        let blank = { (byte: UInt8) in [9, 10, 13, 32].contains(byte) }
        let digits = bytes.drop(while: blank).prefix { !blank($0) }
        guard bytes[digits.endIndex...].allSatisfy(blank), (1...9).contains(digits.count),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else {
            let found = String(decoding: bytes, as: UTF8.self).debugDescription
            throw malformed(member.name, "a class number from 0 in digits", found)
        }
        let label = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard label < count else { throw malformed(member.name, "a class from 0 to \(count - 1)", "\(label)") }
        return label
    }

    private func malformed(_ member: String, _ expected: String, _ found: String) -> DataError {
        DataError(
            .malformed, file: file, record: "member \(member)", expected: expected, found: found,
            remedy: "write the archive again")
    }
}
