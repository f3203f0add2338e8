import JSONText
import SafeFiles
import Synchronization

/// One segment of a panoptic picture.
public struct PanopticSegment: Sendable, Hashable {
    /// R + 256 G + 65536 B of its pixels.
    public var id: Int64
    public var categoryID: Int64
    /// Pixels, as the file says; nil where it says nothing.
    public var area: Double?
    public var isCrowd: Bool

    public init(id: Int64, categoryID: Int64, area: Double? = nil, isCrowd: Bool = false) {
        self.id = id
        self.categoryID = categoryID
        self.area = area
        self.isCrowd = isCrowd
    }
}

/// The segments of one picture and the PNG that says where they are.
public struct PanopticImage: Sendable, Hashable {
    public var imageID: Int64
    /// Path below the folder of PNGs, as the file gives it: not to be trusted.
    public var fileName: String
    public var segments: [PanopticSegment]

    public init(imageID: Int64, fileName: String, segments: [PanopticSegment]) {
        self.imageID = imageID
        self.fileName = fileName
        self.segments = segments
    }
}

/// A class of a panoptic file.
public struct PanopticCategory: Sendable, Hashable {
    public var id: Int64
    public var name: String
    public var isThing: Bool

    public init(id: Int64, name: String, isThing: Bool) {
        self.id = id
        self.name = name
        self.isThing = isThing
    }
}

/// COCO's panoptic format: the truth, or predictions (which need no categories), in file order.
public struct PanopticDataset: Sendable, Hashable {
    public var categories: [PanopticCategory]
    public var images: [PanopticImage]

    public init(categories: [PanopticCategory], images: [PanopticImage]) {
        self.categories = categories
        self.images = images
    }

    /// Reads a file in windows, on all threads.
    ///
    /// - Parameter isTruth: a truth file must have categories, each with `isthing`.
    /// - Throws: `DataError` naming the file, the record, what was expected and what was found.
    public static func load(_ path: String, isTruth: Bool) throws -> PanopticDataset {
        let lists = Mutex<Set<String>>([])
        let (isList, dataset) = try MappedFile(path).foldWindows(
            path, into: PanopticDataset(categories: [], images: []),
            member: { key, value in if value == nil { lists.withLock { _ = $0.insert(key) } } },
            make: { window in
                var part = PanopticDataset(categories: [], images: [])
                var index = window.firstIndex
                try window.elements.forEachElement { element in
                    let place = CocoPlace(file: path, list: window.key ?? "", index: index)
                    switch window.key {
                    case "annotations": part.images.append(try PanopticImage(element, place))
                    case "categories" where isTruth: part.categories.append(try PanopticCategory(element, place))
                    default: break
                    }
                    index += 1
                }
                return part
            },
            use: { dataset, part, _ in
                dataset.categories += part.categories
                dataset.images += part.images
            })
        for list in isTruth ? ["annotations", "categories"] : ["annotations"] {
            guard !isList, lists.withLock({ $0.contains(list) }) else {
                throw DataError(
                    .malformed, file: path, expected: "an object with a list \"\(list)\"",
                    found: isList ? "a list" : "none",
                    remedy: "give a panoptic \(isTruth ? "truth" : "predictions") file")
            }
        }
        return dataset
    }
}

extension PanopticCategory {
    fileprivate init(_ record: JSONCursor, _ place: CocoPlace) throws {
        guard let idValue = record["id"] else { throw place.missing("id") }
        var place = place
        let id = try CocoRecord.integer(idValue, "id", place)
        place.id = id
        guard let thing = record["isthing"] else { throw place.missing("isthing") }
        self.init(
            id: id, name: record["name"]?.string ?? "", isThing: try CocoRecord.number(thing, "isthing", place) == 1)
    }
}

extension PanopticImage {
    fileprivate init(_ record: JSONCursor, _ place: CocoPlace) throws {
        guard let image = record["image_id"] else { throw place.missing("image_id") }
        var place = place
        imageID = try CocoRecord.integer(image, "image_id", place)
        place.id = imageID
        guard let name = record["file_name"]?.string else { throw place.missing("file_name") }
        fileName = name
        guard let list = record["segments_info"], list.kind == .array else { throw place.missing("segments_info") }
        segments = []
        segments.reserveCapacity(list.count)
        try list.forEachElement { element in
            guard let idValue = element["id"] else { throw place.missing("id") }
            guard let category = element["category_id"] else { throw place.missing("category_id") }
            var segment = PanopticSegment(
                id: try CocoRecord.integer(idValue, "id", place),
                categoryID: try CocoRecord.integer(category, "category_id", place))
            if let area = element["area"], !area.isNull { segment.area = try CocoRecord.number(area, "area", place) }
            if let crowd = element["iscrowd"], !crowd.isNull {
                segment.isCrowd = try CocoRecord.flag(crowd, "iscrowd", place)
            }
            segments.append(segment)
        }
    }
}
