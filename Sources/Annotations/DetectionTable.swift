import CCocoRecords
import Geometry

/// Predictions as columns, in file order: what scoring reads. A record's id in COCO's sense is its position plus one.
public struct DetectionTable: Sendable, Hashable {
    public private(set) var imageIDs: [Int64] = []
    public private(set) var categoryIDs: [Int64] = []
    public private(set) var scores: [Double] = []
    /// What each record carries besides, read or skipped.
    public private(set) var parts: [Parts] = []
    /// x, y, width, height of each record, zeros where it has none; empty while no record has one.
    public private(set) var boxes: [Double] = []
    /// One a record; empty while no record has one.
    public private(set) var segmentations = SegmentationColumn()
    /// x, y and a third number of each point, record after record.
    public private(set) var keypoints: [Double] = []
    /// Where each record's keypoints begin, and one more; empty while no record has any.
    public private(set) var keypointStarts: [Int] = []

    public struct Parts: OptionSet, Sendable, Hashable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let box = Parts(rawValue: 1)
        public static let segmentation = Parts(rawValue: 2)
        public static let keypoints = Parts(rawValue: 4)
        /// The segmentation is no string: polygons, or run lengths as a list.
        public static let unpacked = Parts(rawValue: 8)
    }

    public init() {}

    public init(_ results: [DetectionResult]) {
        reserveCapacity(results.count)
        for result in results {
            if let points = result.keypoints { keypoints += points }
            append(
                imageID: result.imageID, categoryID: result.categoryID, score: result.score, box: result.box,
                segmentation: result.segmentation, pointNumbers: result.keypoints?.count)
        }
    }

    public var count: Int { scores.count }
    public var isEmpty: Bool { scores.isEmpty }

    public mutating func reserveCapacity(_ count: Int) {
        imageIDs.reserveCapacity(count)
        categoryIDs.reserveCapacity(count)
        scores.reserveCapacity(count)
        parts.reserveCapacity(count)
    }

    /// The box of a record that has one.
    public func box(_ index: Int) -> CocoBox? {
        guard parts[index].contains(.box) else { return nil }
        return CocoBox(
            x: boxes[4 * index], y: boxes[4 * index + 1], width: boxes[4 * index + 2], height: boxes[4 * index + 3])
    }

    public func segmentation(_ index: Int) -> CocoSegmentation? {
        segmentations.isEmpty ? nil : segmentations[index]
    }

    /// Places of a record's numbers in `keypoints`; nil where it has none or they were skipped.
    public func keypointRange(_ index: Int) -> Range<Int>? {
        parts[index].contains(.keypoints) && !keypointStarts.isEmpty
            ? keypointStarts[index]..<keypointStarts[index + 1] : nil
    }

    public subscript(index: Int) -> DetectionResult {
        DetectionResult(
            imageID: imageIDs[index], categoryID: categoryIDs[index], score: scores[index], box: box(index),
            segmentation: segmentation(index), keypoints: keypointRange(index).map { Array(keypoints[$0]) })
    }

    /// All records, one value each.
    public var records: [DetectionResult] { (0..<count).map { self[$0] } }

    /// Adds a record whose keypoints, if it has any, are already the last `pointNumbers` of `keypoints`.
    mutating func append(
        imageID: Int64, categoryID: Int64, score: Double, box: CocoBox?, segmentation: CocoSegmentation?,
        pointNumbers: Int?, parts: Parts = []
    ) {
        if let segmentation {
            beginSegmentations()
            segmentations.append(segmentation)
        }
        finish(imageID, categoryID, score, box, hasSegmentation: segmentation != nil, pointNumbers, parts)
    }

    /// Adds a record that was read plainly; returns false if it lacks what every record needs.
    mutating func append(_ record: borrowing dmt_record) -> Bool {
        guard record.has(DMT_RECORD_IMAGE_ID | DMT_RECORD_CATEGORY_ID | DMT_RECORD_SCORE) else { return false }
        var parts = Parts()
        let hasSegmentation = Int(record.segmentation) != DMT_SEGMENTATION_SKIPPED
        if hasSegmentation {
            beginSegmentations()
            record.appendSegmentation(to: &segmentations)
            if Int(record.segmentation) != DMT_SEGMENTATION_STRING { parts.insert(.unpacked) }
        } else if record.has(DMT_RECORD_SEGMENTATION) {
            parts.insert(.segmentation)
        }
        var pointNumbers: Int?
        if record.reads_keypoints != 0 {
            pointNumbers = record.keypoint_numbers
            keypoints.append(contentsOf: UnsafeBufferPointer(start: record.keypoints, count: record.keypoint_numbers))
        } else if record.has(DMT_RECORD_KEYPOINTS) {
            parts.insert(.keypoints)
        }
        finish(
            record.image_id, record.category_id, record.score, record.boxValue, hasSegmentation: hasSegmentation,
            pointNumbers, parts)
        return true
    }

    /// Adds what is left of a record whose segmentation and keypoints are there already.
    private mutating func finish(
        _ imageID: Int64, _ categoryID: Int64, _ score: Double, _ box: CocoBox?, hasSegmentation: Bool,
        _ pointNumbers: Int?, _ parts: Parts
    ) {
        var found = parts
        if let box {
            found.insert(.box)
            if boxes.isEmpty { boxes = [Double](repeating: 0, count: 4 * count) }
            boxes.append(box.x)
            boxes.append(box.y)
            boxes.append(box.width)
            boxes.append(box.height)
        } else if !boxes.isEmpty {
            for _ in 0..<4 { boxes.append(0) }
        }
        if hasSegmentation {
            found.insert(.segmentation)
        } else if !segmentations.isEmpty {
            segmentations.appendNone()
        }
        if let pointNumbers {
            found.insert(.keypoints)
            if keypointStarts.isEmpty {
                keypointStarts = [Int](repeating: keypoints.count - pointNumbers, count: count + 1)
            }
        }
        if !keypointStarts.isEmpty { keypointStarts.append(keypoints.count) }
        imageIDs.append(imageID)
        categoryIDs.append(categoryID)
        scores.append(score)
        self.parts.append(found)
    }

    /// Room for the numbers of a record that is appended next.
    mutating func withKeypoints<Result>(_ body: (inout [Double]) throws -> Result) rethrows -> Result {
        try body(&keypoints)
    }

    /// Takes back the numbers of a record that was not appended after all.
    mutating func dropLooseKeypoints() { keypoints.removeLast(keypoints.count - (keypointStarts.last ?? 0)) }

    private mutating func beginSegmentations() {
        if segmentations.isEmpty { segmentations.appendNone(count) }
    }

    /// Adds the records of `other` after these; where room must be made, it is made for `growth` times the records.
    mutating func append(_ other: DetectionTable, growth: Double = 1) {
        if !boxes.isEmpty || !other.boxes.isEmpty {
            if boxes.isEmpty { boxes = [Double](repeating: 0, count: 4 * count) }
            boxes.append(
                other.boxes.isEmpty ? [Double](repeating: 0, count: 4 * other.count) : other.boxes, growth: growth)
        }
        if !other.segmentations.isEmpty {
            beginSegmentations()
            segmentations.append(other.segmentations, growth: growth)
        } else if !segmentations.isEmpty {
            segmentations.appendNone(other.count)
        }
        if !keypointStarts.isEmpty || !other.keypointStarts.isEmpty {
            if keypointStarts.isEmpty { keypointStarts = [Int](repeating: 0, count: count + 1) }
            let base = keypoints.count
            keypointStarts.append(
                other.keypointStarts.isEmpty
                    ? [Int](repeating: base, count: other.count)
                    : other.keypointStarts.dropFirst().map { $0 + base }, growth: growth)
            keypoints.append(other.keypoints, growth: growth)
        }
        imageIDs.append(other.imageIDs, growth: growth)
        categoryIDs.append(other.categoryIDs, growth: growth)
        scores.append(other.scores, growth: growth)
        parts.append(other.parts, growth: growth)
    }
}
