import Geometry
import JSONText
import SafeFiles

/// A COCO results file: a list of predictions with a box, a mask or keypoints, and a score each.
public enum CocoResults {
    /// Reads a results file in windows, on all threads.
    ///
    /// - Throws: `DataError`; also for records without `image_id`, `category_id` or `score`.
    public static func load(_ path: String, fields: CocoFields = .all) throws -> DetectionTable {
        try read(MappedFile(path), file: path, fields: fields)
    }

    /// Reads a results file already in memory.
    public static func read(
        _ bytes: UnsafeRawBufferPointer, file: String, fields: CocoFields = .all
    ) throws -> DetectionTable {
        try read(MappedFile(copying: bytes), file: file, fields: fields)
    }

    /// - Parameter triesPlain: false gives every window to the strict reader, whose answers are the same.
    static func read(
        _ text: MappedFile, file: String, fields: CocoFields, triesPlain: Bool = true
    ) throws -> DetectionTable {
        let (isList, table) = try text.foldWindows(
            file, into: DetectionTable(),
            plain: { key, text in triesPlain && key == nil ? plain(text, fields) : nil },
            make: { window in
                var table = DetectionTable()
                guard window.key == nil else { return table }
                var index = window.firstIndex
                table.reserveCapacity(window.elements.count)
                try window.elements.forEachElement { element in
                    try append(element, CocoPlace(file: file, list: "", index: index), fields, to: &table)
                    index += 1
                }
                return table
            }, use: { table, part, growth in table.append(part, growth: growth) })
        guard isList else { throw isNoList(file) }
        return table
    }

    /// Reads a window without the strict reader; nil where it is needed after all.
    private static func plain(_ text: UnsafeRawBufferPointer, _ fields: CocoFields) -> DetectionTable? {
        var table = DetectionTable()
        // Records of boxes take about a hundred bytes, others more.
        table.reserveCapacity(text.count / 80)
        return PlainRecords.forEach(in: text, fields: fields) { table.append($0) } ? table : nil
    }

    private static func isNoList(_ file: String) -> DataError {
        DataError(
            .malformed, file: file, expected: "a list of results", found: "an object",
            remedy: "give a COCO results file, a list of records with image_id, category_id and score")
    }

    /// Reads a results file for a check: records that cannot be read are left out and told about, each on its own.
    ///
    /// - Returns: the records, where each stands in the file, and what could not be read.
    /// - Throws: `DataError` where the file as a whole is no list of results, or is no JSON.
    public static func loadLenient(
        _ path: String
    ) throws -> (table: DetectionTable, positions: [Int], faults: [DataError]) {
        var table = DetectionTable()
        var positions: [Int] = []
        var faults: [DataError] = []
        let isList = try MappedFile(path).eachWindow(path) { window in
            guard window.key == nil else { return }
            var index = window.firstIndex
            try window.elements.forEachElement { element in
                do {
                    try append(element, CocoPlace(file: path, list: "", index: index), .all, to: &table)
                    positions.append(index)
                } catch let error as DataError {
                    table.dropLooseKeypoints()
                    faults.append(error)
                }
                index += 1
            }
        }
        guard isList else { throw isNoList(path) }
        return (table, positions, faults)
    }

    private static func append(
        _ record: JSONCursor, _ place: CocoPlace, _ fields: CocoFields, to table: inout DetectionTable
    ) throws {
        guard record.kind == .object else {
            throw place.refuse("image_id", expected: "an object", found: record.summary, remedy: "correct this record")
        }
        var image: Int64?
        var category: Int64?
        var score: Double?
        var box: CocoBox?
        var segmentation: CocoSegmentation?
        var pointNumbers: Int?
        var parts: DetectionTable.Parts = []
        try record.forEachMember { key, value in
            if value.isNull { return }
            if isKey(key, "image_id") {
                image = try CocoRecord.integer(value, "image_id", place)
            } else if isKey(key, "category_id") {
                category = try CocoRecord.integer(value, "category_id", place)
            } else if isKey(key, "score") {
                score = try CocoRecord.number(value, "score", place)
            } else if isKey(key, "bbox") {
                box = try CocoRecord.box(value, place)
            } else if isKey(key, "segmentation") {
                if fields.contains(.segmentation) {
                    segmentation = try CocoRecord.segmentation(value, place)
                    if value["counts"]?.kind != .string { parts.insert(.unpacked) }
                } else {
                    parts.insert(.segmentation)
                }
            } else if isKey(key, "keypoints") {
                if fields.contains(.keypoints) {
                    pointNumbers = try table.withKeypoints { try CocoRecord.appendKeypoints(value, place, to: &$0) }
                } else {
                    parts.insert(.keypoints)
                }
            }
        }
        guard let image else { throw place.missing("image_id") }
        guard let category else { throw place.missing("category_id") }
        guard let score else { throw place.missing("score") }
        table.append(
            imageID: image, categoryID: category, score: score, box: box, segmentation: segmentation,
            pointNumbers: pointNumbers, parts: parts)
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
        if !lacksCrowdFlag { members.append(("iscrowd", .int(isCrowd ? 1 : 0))) }
        if let segmentation { members.append(("segmentation", segmentation.json)) }
        if let keypoints { members.append(("keypoints", .array(keypoints.map { .double($0) }))) }
        if let keypointCount { members.append(("num_keypoints", .int(Int64(keypointCount)))) }
        return .object(members)
    }
}
