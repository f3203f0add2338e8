import CMetricKernels

/// Masks that are compared with each other, one after the other in memory that is used again and again.
///
/// A mask is kept as its borders, the positions where its runs end. Areas, boxes and overlaps are those of `RLEMask`.
public struct MaskRoom: Sendable {
    private var borders: [UInt32] = []
    private var used = 0
    private var masks: [Entry] = []

    private struct Entry {
        var start: Int
        var facts: dmt_mask_facts
        var size: ImageSize

        /// Whether intervals say all there is to say about the runs.
        var isPlain: Bool { facts.has_empty_runs == 0 && facts.total < 1 << 32 }
    }

    public init() {}

    public var count: Int { masks.count }

    public mutating func removeAll() {
        masks.removeAll(keepingCapacity: true)
        used = 0
    }

    public mutating func append(_ mask: RLEMask) {
        mask.runs.withUnsafeBufferPointer { append(runs: $0, size: mask.size) }
    }

    public mutating func append(runs: UnsafeBufferPointer<UInt32>, size: ImageSize) {
        append(room: runs.count, size) { dmt_borders_from_runs(runs.baseAddress, runs.count, $0) }
    }

    /// COCO's string form, read as `RLEMask.decode` reads it.
    public mutating func append(cocoString text: UnsafeBufferPointer<UInt8>, size: ImageSize) {
        append(room: text.count, size) { dmt_borders_from_string(text.baseAddress, text.count, $0) }
    }

    private mutating func append(
        room: Int, _ size: ImageSize, _ make: (UnsafeMutablePointer<UInt32>?) -> dmt_mask_facts
    ) {
        if borders.count < used + room {
            borders += [UInt32](repeating: 0, count: max(used + room - borders.count, borders.count))
        }
        let facts = borders.withUnsafeMutableBufferPointer { make($0.baseAddress.map { $0 + used }) }
        masks.append(Entry(start: used, facts: facts, size: size))
        used += Int(facts.count)
    }

    public func size(_ index: Int) -> ImageSize { masks[index].size }

    /// Foreground pixels, modulo 2^32.
    public func area(_ index: Int) -> Int { Int(masks[index].facts.area) }

    /// Whether the runs sum to the picture's pixels.
    public func isComplete(_ index: Int) -> Bool { masks[index].facts.total == UInt64(masks[index].size.pixelCount) }

    public func mask(_ index: Int) -> RLEMask {
        let entry = masks[index]
        var position: UInt32 = 0
        return RLEMask(
            size: entry.size,
            runs: borders[entry.start..<entry.start + Int(entry.facts.count)].map { border in
                defer { position = border }
                return border &- position
            })
    }

    public func cocoBox(_ index: Int) -> CocoBox {
        let entry = masks[index]
        guard entry.isPlain, isComplete(index) else { return mask(index).cocoBox }
        var box = (0.0, 0.0, 0.0, 0.0)
        borders.withUnsafeBufferPointer { borders in
            withUnsafeMutableBytes(of: &box) {
                dmt_borders_box(
                    borders.baseAddress.map { $0 + entry.start }, Int(entry.facts.count),
                    UInt32(truncatingIfNeeded: entry.size.height), $0.bindMemory(to: Double.self).baseAddress)
            }
        }
        return CocoBox(x: box.0, y: box.1, width: box.2, height: box.3)
    }

    /// Intersection over union of a mask with one of another room; see `RLEMask.iou`.
    public func iou(
        _ index: Int, truth room: MaskRoom, _ other: Int, isCrowd: Bool = false
    ) throws(RLEMask.OverlapError) -> Double {
        let (a, b) = (masks[index], room.masks[other])
        guard a.size == b.size else { throw .sizesDiffer }
        guard a.isPlain, b.isPlain, a.facts.total == b.facts.total else {
            return try mask(index).iou(truth: room.mask(other), isCrowd: isCrowd)
        }
        let both = borders.withUnsafeBufferPointer { own in
            room.borders.withUnsafeBufferPointer { others in
                dmt_borders_both(
                    own.baseAddress.map { $0 + a.start }, Int(a.facts.count), others.baseAddress.map { $0 + b.start },
                    Int(b.facts.count))
            }
        }
        if both == 0 { return 0 }
        return Double(both) / Double(isCrowd ? a.facts.area : a.facts.area &+ b.facts.area &- both)
    }
}
