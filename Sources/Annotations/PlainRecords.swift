import CCocoRecords
import Geometry

/// Records read straight from a window of text: the fast path of `CocoResults` and `CocoDataset`.
enum PlainRecords {
    /// Calls `body` for each record until it returns false.
    ///
    /// - Parameter text: objects with commas between them, `DMT_RECORD_PADDING` readable bytes behind.
    /// - Returns: false where the text is not plain, holds no record, or `body` returned false: nothing is known then,
    ///   and the strict reader decides.
    static func forEach(
        in text: UnsafeRawBufferPointer, fields: CocoFields, _ body: (borrowing dmt_record) -> Bool
    ) -> Bool {
        guard let reader = dmt_record_reader_new() else { return false }
        defer { dmt_record_reader_free(reader) }
        var wanted: UInt32 = 0
        if fields.contains(.segmentation) { wanted |= UInt32(DMT_RECORD_SEGMENTATION) }
        if fields.contains(.keypoints) { wanted |= UInt32(DMT_RECORD_KEYPOINTS) }
        dmt_record_reader_start(reader, text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count, wanted)
        var record = dmt_record()
        var count = 0
        while true {
            switch dmt_record_reader_next(reader, &record) {
            case 1: if !body(record) { return false }
            case 0: return count > 0
            default: return false
            }
            count += 1
        }
    }
}

extension dmt_record {
    /// Whether the record carries all of some `DMT_RECORD_` parts.
    func has(_ parts: Int) -> Bool { found & UInt32(parts) == UInt32(parts) }

    var boxValue: CocoBox? {
        has(DMT_RECORD_BOX) ? CocoBox(x: box.0, y: box.1, width: box.2, height: box.3) : nil
    }

    private var size: ImageSize { ImageSize(height: Int(height), width: Int(width)) }

    /// The segmentation as a value; nil where it was skipped.
    var segmentationValue: CocoSegmentation? {
        switch Int(segmentation) {
        case DMT_SEGMENTATION_POLYGONS:
            var start = 0
            return .polygons(
                (0..<part_count).map { part in
                    defer { start = part_ends[part] }
                    return Array(UnsafeBufferPointer(start: numbers + start, count: part_ends[part] - start))
                })
        case DMT_SEGMENTATION_STRING:
            let string = UnsafeBufferPointer(start: text, count: text_length)
            return .rle(RLEMask.decode(cocoString: string, size: size).mask)
        case DMT_SEGMENTATION_RUNS:
            return .rle(RLEMask(size: size, runs: Array(UnsafeBufferPointer(start: runs, count: run_count))))
        default: return nil
        }
    }

    /// Adds the segmentation to a column; nothing where it was skipped.
    func appendSegmentation(to column: inout SegmentationColumn) {
        switch Int(segmentation) {
        case DMT_SEGMENTATION_POLYGONS:
            var start = 0
            for part in 0..<part_count {
                column.appendPolygon(UnsafeBufferPointer(start: numbers + start, count: part_ends[part] - start))
                start = part_ends[part]
            }
            column.finishPolygons()
        case DMT_SEGMENTATION_STRING:
            column.append(string: UnsafeBufferPointer(start: text, count: text_length), size: size)
        case DMT_SEGMENTATION_RUNS:
            column.append(runs: UnsafeBufferPointer(start: runs, count: run_count), size: size)
        default: break
        }
    }
}
