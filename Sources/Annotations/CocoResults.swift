import Geometry
import JSONText
import SafeFiles

/// A COCO results file: a list of predictions with a box, a mask or keypoints, and a score each.
public enum CocoResults {
    /// Reads a results file in windows.
    ///
    /// - Throws: `DataError`; also for records without `image_id`, `category_id` or `score`.
    public static func load(_ path: String, fields: CocoFields = .all) throws -> [DetectionResult] {
        let file = try MappedFile(path)
        return try read(file.bytes, file: path, fields: fields)
    }

    /// Reads a results file already in memory.
    public static func read(
        _ bytes: UnsafeRawBufferPointer, file: String, fields: CocoFields = .all
    ) throws -> [DetectionResult] {
        var results: [DetectionResult] = []
        do {
            let isList = try JSONArrayReader().read(bytes, file: file) { window in
                guard window.key == nil else { return }
                var index = window.firstIndex
                try window.elements.forEachElement { element in
                    let place = CocoPlace(file: file, list: "", index: index)
                    results.append(try result(element, place, fields))
                    index += 1
                }
            }
            guard isList else {
                throw DataError(
                    .malformed, file: file, expected: "a list of results", found: "an object",
                    remedy: "give a COCO results file, a list of records with image_id, category_id and score")
            }
        } catch let error as JSONError {
            throw DataError(error)
        }
        return results
    }

    private static func result(
        _ record: JSONCursor, _ place: CocoPlace, _ fields: CocoFields
    ) throws -> DetectionResult {
        guard record.kind == .object else {
            throw place.refuse("image_id", expected: "an object", found: record.summary, remedy: "correct this record")
        }
        var image: Int64?
        var category: Int64?
        var score: Double?
        var result = DetectionResult(imageID: 0, categoryID: 0, score: 0)
        try record.forEachMember { key, value in
            if value.isNull { return }
            if isKey(key, "image_id") {
                image = try CocoRecord.integer(value, "image_id", place)
            } else if isKey(key, "category_id") {
                category = try CocoRecord.integer(value, "category_id", place)
            } else if isKey(key, "score") {
                score = try CocoRecord.number(value, "score", place)
            } else if isKey(key, "bbox") {
                result.box = try CocoRecord.box(value, place)
            } else if isKey(key, "segmentation"), fields.contains(.segmentation) {
                result.segmentation = try CocoRecord.segmentation(value, place)
            } else if isKey(key, "keypoints"), fields.contains(.keypoints) {
                result.keypoints = try CocoRecord.keypoints(value, place)
            }
        }
        guard let image else { throw place.missing("image_id") }
        guard let category else { throw place.missing("category_id") }
        guard let score else { throw place.missing("score") }
        result.imageID = image
        result.categoryID = category
        result.score = score
        return result
    }

    /// Writes a results file record by record; `sink` receives consecutive pieces of the text.
    ///
    /// Doubles are written so that they read back equal, masks as COCO's strings.
    public static func write(_ results: [DetectionResult], _ sink: (String) throws -> Void) rethrows {
        try writeList(results.lazy.map(\.json), sink)
        try sink("\n")
    }

    static func writeList(_ records: some Sequence<JSONValue>, _ sink: (String) throws -> Void) rethrows {
        var separator = "["
        for record in records {
            try sink(separator + record.text())
            separator = ",\n"
        }
        try sink(separator == "[" ? "[]" : "]")
    }
}

extension DetectionResult {
    /// The record of a results file.
    public var json: JSONValue {
        var members: [(String, JSONValue)] = [("image_id", .int(imageID)), ("category_id", .int(categoryID))]
        if let box { members.append(("bbox", box.json)) }
        if let segmentation { members.append(("segmentation", segmentation.json)) }
        if let keypoints { members.append(("keypoints", .array(keypoints.map { .double($0) }))) }
        members.append(("score", .double(score)))
        return .object(members)
    }
}

extension CocoBox {
    var json: JSONValue { .array([.double(x), .double(y), .double(width), .double(height)]) }
}

extension CocoSegmentation {
    var json: JSONValue {
        switch self {
        case .polygons(let polygons):
            .array(polygons.map { .array($0.map { .double($0) }) })
        case .rle(let mask):
            .object([
                ("size", .array([.int(Int64(mask.size.height)), .int(Int64(mask.size.width))])),
                ("counts", .string(mask.cocoString)),
            ])
        }
    }
}

extension CocoDataset {
    /// Writes a truth file record by record; `sink` receives consecutive pieces of the text.
    public func write(_ sink: (String) throws -> Void) rethrows {
        try sink("{\"images\":")
        try CocoResults.writeList(
            images.lazy.map { image in
                .object([
                    ("id", .int(image.id)), ("file_name", .string(image.fileName)),
                    ("height", .int(Int64(image.size.height))), ("width", .int(Int64(image.size.width))),
                ])
            }, sink)
        try sink(",\n\"categories\":")
        try CocoResults.writeList(
            categories.lazy.map { category in
                var members: [(String, JSONValue)] = [("id", .int(category.id)), ("name", .string(category.name))]
                if let parent = category.supercategory { members.append(("supercategory", .string(parent))) }
                if !category.keypointNames.isEmpty {
                    members.append(("keypoints", .array(category.keypointNames.map { .string($0) })))
                }
                return .object(members)
            }, sink)
        try sink(",\n\"annotations\":")
        try CocoResults.writeList(annotations.lazy.map(\.json), sink)
        try sink("}\n")
    }
}

extension CocoAnnotation {
    /// The record of a truth file.
    public var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("id", .int(id)), ("image_id", .int(imageID)), ("category_id", .int(categoryID)),
        ]
        if let box { members.append(("bbox", box.json)) }
        if let area { members.append(("area", .double(area))) }
        members.append(("iscrowd", .int(isCrowd ? 1 : 0)))
        if let segmentation { members.append(("segmentation", segmentation.json)) }
        if let keypoints { members.append(("keypoints", .array(keypoints.map { .double($0) }))) }
        if let keypointCount { members.append(("num_keypoints", .int(Int64(keypointCount)))) }
        return .object(members)
    }
}
