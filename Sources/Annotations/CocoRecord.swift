import Geometry
import JSONText
import SafeFiles

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where a record stands, for error messages; cheap to make for every record.
struct CocoPlace {
    let file: String
    let list: String
    let index: Int
    var id: Int64?

    func refuse(_ field: StaticString, expected: String, found: String, remedy: String? = nil) -> DataError {
        let identity = id.map { " (id \($0))" } ?? ""
        return DataError(
            .malformed, file: file, record: "\(list)[\(index)]\(identity)", expected: expected, found: found,
            remedy: remedy ?? "correct \"\(field)\" of this record")
    }

    func missing(_ field: StaticString) -> DataError {
        refuse(field, expected: "a field \"\(field)\"", found: "none", remedy: "add the field to this record")
    }
}

/// Whether a member's key is `name`.
@inline(__always)
func isKey(_ key: UnsafeBufferPointer<UInt8>, _ name: StaticString) -> Bool {
    key.count == name.utf8CodeUnitCount && memcmp(key.baseAddress!, name.utf8Start, key.count) == 0
}

/// The fields of COCO records, each with its own rule. Nulls count as absent.
enum CocoRecord {
    static func integer(_ value: JSONCursor, _ field: StaticString, _ place: CocoPlace) throws -> Int64 {
        guard let number = value.wholeNumber else {
            throw place.refuse(field, expected: "an integer \"\(field)\"", found: value.summary)
        }
        return number
    }

    static func integers(_ value: JSONCursor, _ field: StaticString, _ place: CocoPlace) throws -> [Int64] {
        guard value.kind == .array else {
            throw place.refuse(field, expected: "a list of integers \"\(field)\"", found: value.summary)
        }
        var numbers: [Int64] = []
        try value.forEachElement { numbers.append(try integer($0, field, place)) }
        return numbers
    }

    static func number(_ value: JSONCursor, _ field: StaticString, _ place: CocoPlace) throws -> Double {
        guard let number = value.double else {
            throw place.refuse(field, expected: "a number \"\(field)\"", found: value.summary)
        }
        return number
    }

    /// `[x, y, width, height]`; an empty list counts as none, as in COCO's own reader.
    static func box(_ value: JSONCursor, _ place: CocoPlace) throws -> CocoBox? {
        var box = CocoBox(x: 0, y: 0, width: 0, height: 0)
        var count = 0
        var good = value.kind == .array
        value.forEachElement { element in
            guard let number = element.double else {
                good = false
                return
            }
            switch count {
            case 0: box.x = number
            case 1: box.y = number
            case 2: box.width = number
            case 3: box.height = number
            default: break
            }
            count += 1
        }
        if good && count == 0 { return nil }
        guard good, count == 4 else {
            throw place.refuse(
                "bbox", expected: "\"bbox\" of four numbers (x, y, width, height)", found: value.summary)
        }
        return box
    }

    static func flag(_ value: JSONCursor, _ field: StaticString, _ place: CocoPlace) throws -> Bool {
        if let bool = value.bool { return bool }
        guard let number = value.double else {
            throw place.refuse(field, expected: "0 or 1 as \"\(field)\"", found: value.summary)
        }
        return number != 0
    }

    /// `[x, y, v, ...]`.
    static func keypoints(_ value: JSONCursor, _ place: CocoPlace) throws -> [Double] {
        var numbers: [Double] = []
        _ = try appendKeypoints(value, place, to: &numbers)
        return numbers
    }

    /// Adds `[x, y, v, ...]` to `numbers`; returns how many.
    static func appendKeypoints(_ value: JSONCursor, _ place: CocoPlace, to numbers: inout [Double]) throws -> Int {
        guard let count = value.appendDoubles(to: &numbers), count % 3 == 0 else {
            throw place.refuse(
                "keypoints", expected: "\"keypoints\" of three numbers a point", found: value.summary)
        }
        return count
    }

    /// Polygons, run lengths as a list, or run lengths as COCO's string.
    static func segmentation(_ value: JSONCursor, _ place: CocoPlace) throws -> CocoSegmentation {
        switch value.kind {
        case .array:
            var polygons: [[Double]] = []
            try value.forEachElement { part in
                guard let numbers = part.doubles else {
                    throw place.refuse(
                        "segmentation", expected: "polygons as lists of numbers", found: part.summary)
                }
                polygons.append(numbers)
            }
            return .polygons(polygons)
        case .object:
            return .rle(try runLengths(value, place))
        default:
            throw place.refuse(
                "segmentation", expected: "a list of polygons or run lengths with \"size\" and \"counts\"",
                found: value.summary)
        }
    }

    private static func runLengths(_ value: JSONCursor, _ place: CocoPlace) throws -> RLEMask {
        var counts: JSONCursor?
        var extent: JSONCursor?
        value.forEachMember { key, member in
            if isKey(key, "counts") { counts = member } else if isKey(key, "size") { extent = member }
        }
        guard let counts, let extent else {
            throw place.refuse(
                "segmentation", expected: "run lengths with \"size\" and \"counts\"", found: value.summary)
        }
        let size = try imageSize(extent, place)
        if let text = counts.utf8 { return RLEMask.decode(cocoString: text, size: size).mask }
        guard counts.kind == .array else {
            throw place.refuse(
                "segmentation", expected: "\"counts\" as a string or a list of integers", found: counts.summary)
        }
        var runs: [UInt32] = []
        try counts.forEachElement { element in
            guard let run = element.wholeNumber.flatMap(UInt32.init(exactly:)) else {
                throw place.refuse(
                    "segmentation", expected: "run lengths from 0 to 4294967295", found: element.summary)
            }
            runs.append(run)
        }
        return RLEMask(size: size, runs: runs)
    }

    private static func imageSize(_ value: JSONCursor, _ place: CocoPlace) throws -> ImageSize {
        guard let numbers = value.doubles, numbers.count == 2,
            numbers.allSatisfy({ $0 >= 0 && $0 < 1e9 && $0 == $0.rounded() }), numbers[0] * numbers[1] < 0x1p32
        else {
            throw place.refuse(
                "segmentation", expected: "\"size\" of height and width, below 2^32 pixels", found: value.summary)
        }
        return ImageSize(height: Int(numbers[0]), width: Int(numbers[1]))
    }
}

extension DataError {
    /// A refused JSON text in the words of the file it came from.
    init(_ error: JSONError) {
        let place = [error.record, "byte \(error.offset)"].compactMap(\.self).joined(separator: ", ")
        self.init(
            .malformed, file: error.file, record: place, expected: error.expected, found: error.found,
            remedy: error.remedy)
    }
}
