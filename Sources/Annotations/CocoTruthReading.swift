import CCocoRecords
import Geometry
import JSONText
import SafeFiles

/// How the records of one file are read.
struct CocoTruthReading: Sendable {
    let file: String
    let fields: CocoFields
    let checks: CocoChecks

    /// Whether a member is one of the lists that a truth file is made of.
    func isList(_ key: String, _ value: JSONCursor?) throws -> Bool {
        guard key == "images" || key == "annotations" || key == "categories" else { return false }
        if let value {
            throw DataError(
                .malformed, file: file, record: "\"\(key)\"", expected: "a list", found: value.summary,
                remedy: "correct the file")
        }
        return true
    }

    var isNoTruth: DataError {
        DataError(
            .malformed, file: file, expected: "an object with \"images\", \"annotations\" and \"categories\"",
            found: "a list", remedy: "give the truth file, not a results file")
    }

    /// - Parameter onFault: gets what is wrong with a record, which is then left out; nil throws it.
    func records(
        _ window: JSONArrayReader.Window, onFault: ((DataError) -> Void)? = nil
    ) throws -> CocoDataset {
        var dataset = CocoDataset(images: [], categories: [], annotations: [])
        guard let key = window.key, try isList(key, nil) else { return dataset }
        var index = window.firstIndex
        try window.elements.forEachElement { element in
            let place = CocoPlace(file: file, list: key, index: index)
            index += 1
            do {
                try append(element, place, to: &dataset)
            } catch let error as DataError {
                guard let onFault else { throw error }
                onFault(error)
            }
        }
        return dataset
    }

    /// Reads a window of annotations without the strict reader; nil where it is needed after all.
    func plain(_ text: UnsafeRawBufferPointer) -> CocoDataset? {
        var dataset = CocoDataset(images: [], categories: [], annotations: [])
        let isPlain = PlainRecords.forEach(in: text, fields: fields) { record in
            guard record.has(DMT_RECORD_ID | DMT_RECORD_IMAGE_ID | DMT_RECORD_CATEGORY_ID) else { return false }
            var annotation = CocoAnnotation(
                id: record.id, imageID: record.image_id, categoryID: record.category_id, box: record.boxValue,
                area: record.has(DMT_RECORD_AREA) ? record.area : nil, isCrowd: record.is_crowd != 0,
                segmentation: record.segmentationValue,
                keypoints: record.reads_keypoints != 0
                    ? Array(UnsafeBufferPointer(start: record.keypoints, count: record.keypoint_numbers)) : nil,
                keypointCount: record.has(DMT_RECORD_KEYPOINT_COUNT) ? Int(record.keypoint_count) : nil)
            annotation.lacksCrowdFlag = !record.has(DMT_RECORD_CROWD)
            annotation.isIgnored = record.is_ignored != 0
            dataset.annotations.append(annotation)
            return true
        }
        return isPlain ? dataset : nil
    }

    private func append(_ record: JSONCursor, _ place: CocoPlace, to dataset: inout CocoDataset) throws {
        guard record.kind == .object else {
            throw place.refuse("id", expected: "an object", found: record.summary, remedy: "correct this record")
        }
        switch place.list {
        case "images": dataset.images.append(try image(record, place))
        case "categories": dataset.categories.append(try category(record, place))
        default: dataset.annotations.append(try annotation(record, place))
        }
    }

    private func image(_ record: JSONCursor, _ place: CocoPlace) throws -> CocoImage {
        var id: Int64?
        var name = ""
        var height: Int64?
        var width: Int64?
        var negative: [Int64]?
        var partial: [Int64]?
        try record.forEachMember { key, value in
            if value.isNull { return }
            if isKey(key, "id") {
                id = try CocoRecord.integer(value, "id", place)
            } else if isKey(key, "height") {
                height = try CocoRecord.integer(value, "height", place)
            } else if isKey(key, "width") {
                width = try CocoRecord.integer(value, "width", place)
            } else if isKey(key, "file_name"), fields.contains(.names) {
                guard let text = value.string else {
                    throw place.refuse("file_name", expected: "a string \"file_name\"", found: value.summary)
                }
                name = text
            } else if isKey(key, "neg_category_ids") {
                negative = try CocoRecord.integers(value, "neg_category_ids", place)
            } else if isKey(key, "not_exhaustive_category_ids") {
                partial = try CocoRecord.integers(value, "not_exhaustive_category_ids", place)
            }
        }
        guard let id else { throw place.missing("id") }
        var named = place
        named.id = id
        if checks.contains(.imageSizes) {
            guard let height else { throw named.missing("height") }
            guard let width else { throw named.missing("width") }
            guard height > 0, width > 0 else {
                throw named.refuse("height", expected: "a positive height and width", found: "\(height)x\(width)")
            }
        }
        let size = ImageSize(height: Int(height ?? 0), width: Int(width ?? 0))
        guard size.height >= 0, size.width >= 0, size.height < 1 << 31, size.width < 1 << 31,
            size.pixelCount < 1 << 32
        else {
            throw named.refuse("height", expected: "a picture below 2^32 pixels", found: "\(size)")
        }
        let federation = negative.map {
            CocoImage.Federation(negativeCategoryIDs: $0, notExhaustiveCategoryIDs: partial ?? [])
        }
        return CocoImage(id: id, fileName: name, size: size, federation: federation)
    }

    private func category(_ record: JSONCursor, _ place: CocoPlace) throws -> CocoCategory {
        var id: Int64?
        var category = CocoCategory(id: 0, name: "")
        try record.forEachMember { key, value in
            if isKey(key, "id") {
                id = try CocoRecord.integer(value, "id", place)
            } else if isKey(key, "name") {
                category.name = value.string ?? ""
            } else if isKey(key, "frequency") {
                category.frequency = value.string
            } else if isKey(key, "supercategory") {
                category.supercategory = value.string
            } else if isKey(key, "keypoints") {
                value.forEachElement { category.keypointNames.append($0.string ?? "") }
            }
        }
        guard let id else { throw place.missing("id") }
        category.id = id
        return category
    }

    private func annotation(_ record: JSONCursor, _ place: CocoPlace) throws -> CocoAnnotation {
        var place = place
        var id: Int64?
        var image: Int64?
        var category: Int64?
        var result = CocoAnnotation(id: 0, imageID: 0, categoryID: 0, box: nil, area: nil)
        result.lacksCrowdFlag = true
        try record.forEachMember { key, value in
            if value.isNull { return }
            if isKey(key, "id") {
                id = try CocoRecord.integer(value, "id", place)
                place.id = id
            } else if isKey(key, "image_id") {
                image = try CocoRecord.integer(value, "image_id", place)
            } else if isKey(key, "category_id") {
                category = try CocoRecord.integer(value, "category_id", place)
            } else if isKey(key, "bbox") {
                result.box = try CocoRecord.box(value, place)
            } else if isKey(key, "area") {
                result.area = try CocoRecord.number(value, "area", place)
            } else if isKey(key, "ignore") {
                // COCO's tool never reads it, so nothing in it is refused.
                result.isIgnored = value.bool ?? ((value.double ?? 0) != 0)
            } else if isKey(key, "iscrowd") {
                result.isCrowd = try CocoRecord.flag(value, "iscrowd", place)
                result.lacksCrowdFlag = false
            } else if isKey(key, "segmentation"), fields.contains(.segmentation) {
                result.segmentation = try CocoRecord.segmentation(value, place)
            } else if isKey(key, "keypoints"), fields.contains(.keypoints) {
                result.keypoints = try CocoRecord.keypoints(value, place)
            } else if isKey(key, "num_keypoints") {
                result.keypointCount = Int(try CocoRecord.integer(value, "num_keypoints", place))
            }
        }
        guard let id else { throw place.missing("id") }
        guard let image else { throw place.missing("image_id") }
        guard let category else { throw place.missing("category_id") }
        result.id = id
        result.imageID = image
        result.categoryID = category
        return result
    }

    /// The data set, after the checks that need all of it.
    func checked(_ dataset: CocoDataset, lists: Set<String>) throws -> CocoDataset {
        for list in ["images", "categories"] where !lists.contains(list) {
            throw DataError(
                .malformed, file: file, expected: "a list \"\(list)\"", found: "none",
                remedy: "give a COCO truth file with images, annotations and categories")
        }
        if checks.contains(.uniqueIDs) {
            try refuseDuplicates(dataset.images.lazy.map(\.id), "images")
            try refuseDuplicates(dataset.categories.lazy.map(\.id), "categories")
            try refuseDuplicates(dataset.annotations.lazy.map(\.id), "annotations")
        }
        if checks.contains(.references) {
            let images = Set(dataset.images.lazy.map(\.id))
            let categories = Set(dataset.categories.lazy.map(\.id))
            for (index, annotation) in dataset.annotations.enumerated() {
                let place = CocoPlace(file: file, list: "annotations", index: index, id: annotation.id)
                if !images.contains(annotation.imageID) {
                    throw place.refuse(
                        "image_id", expected: "an \"image_id\" of the file's images", found: "\(annotation.imageID)",
                        remedy: "add the image or remove the annotation")
                }
                if !categories.contains(annotation.categoryID) {
                    throw place.refuse(
                        "category_id", expected: "a \"category_id\" of the file's categories",
                        found: "\(annotation.categoryID)", remedy: "add the category or remove the annotation")
                }
            }
        }
        return dataset
    }

    private func refuseDuplicates(_ ids: some Sequence<Int64>, _ list: String) throws {
        var seen: Set<Int64> = []
        for (index, id) in ids.enumerated() where !seen.insert(id).inserted {
            throw CocoPlace(file: file, list: list, index: index, id: id)
                .refuse("id", expected: "unique ids", found: "\(id) a second time", remedy: "renumber the records")
        }
    }
}
