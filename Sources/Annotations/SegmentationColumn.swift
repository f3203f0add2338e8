import Determinism
import Geometry

/// Segmentations of many records in one piece of memory; COCO's strings stay as they are until a mask is drawn.
public struct SegmentationColumn: Sendable, Hashable {
    /// How a record's segmentation is kept.
    enum Form: UInt8, Sendable {
        case none
        /// For each part its count of numbers, then the numbers.
        case polygons
        /// COCO's string.
        case string
        case runs
    }

    private var forms: [Form] = []
    /// Height and width of each record's run lengths.
    private var sizes: [SIMD2<UInt32>] = []
    /// Where each record's bytes end.
    private var ends: [Int] = []
    private var bytes: [UInt8] = []

    public init() {}

    public var count: Int { forms.count }
    public var isEmpty: Bool { forms.isEmpty }

    public mutating func appendNone(_ count: Int = 1) {
        for _ in 0..<count { finish(.none) }
    }

    public mutating func append(_ segmentation: CocoSegmentation) {
        switch segmentation {
        case .polygons(let polygons):
            for numbers in polygons { numbers.withUnsafeBufferPointer { appendPolygon($0) } }
            finishPolygons()
        case .rle(let mask):
            mask.runs.withUnsafeBufferPointer { append(runs: $0, size: mask.size) }
        }
    }

    /// Run lengths as COCO's string.
    mutating func append(string: UnsafeBufferPointer<UInt8>, size: ImageSize) {
        bytes.append(contentsOf: string)
        finish(.string, size)
    }

    mutating func append(runs: UnsafeBufferPointer<UInt32>, size: ImageSize) {
        bytes.append(contentsOf: UnsafeRawBufferPointer(runs))
        finish(.runs, size)
    }

    /// One part of the next record, which `finishPolygons` completes.
    mutating func appendPolygon(_ numbers: UnsafeBufferPointer<Double>) {
        withUnsafeBytes(of: numbers.count) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: UnsafeRawBufferPointer(numbers))
    }

    mutating func finishPolygons() { finish(.polygons) }

    private mutating func finish(_ form: Form, _ size: ImageSize = ImageSize(height: 0, width: 0)) {
        forms.append(form)
        sizes.append(SIMD2(UInt32(truncatingIfNeeded: size.height), UInt32(truncatingIfNeeded: size.width)))
        ends.append(bytes.count)
    }

    /// Adds the records of `other`, with room for so many times as many as there are then.
    mutating func append(_ other: SegmentationColumn, growth: Double) {
        let base = bytes.count
        forms.append(other.forms, growth: growth)
        sizes.append(other.sizes, growth: growth)
        bytes.append(other.bytes, growth: growth)
        ends.append(other.ends.map { $0 + base }, growth: growth)
    }

    /// A record's segmentation; nil where it has none.
    public subscript(index: Int) -> CocoSegmentation? {
        bytes.withUnsafeBytes { bytes in
            let own = UnsafeRawBufferPointer(rebasing: bytes[range(index)])
            switch forms[index] {
            case .none: return nil
            case .polygons:
                var polygons: [[Double]] = []
                var at = 0
                while at < own.count {
                    let count = own.loadUnaligned(fromByteOffset: at, as: Int.self)
                    at += 8
                    polygons.append((0..<count).map { own.loadUnaligned(fromByteOffset: at + 8 * $0, as: Double.self) })
                    at += 8 * count
                }
                return .polygons(polygons)
            case .string:
                return .rle(RLEMask.decode(cocoString: own.assumingMemoryBound(to: UInt8.self), size: size(index)).mask)
            case .runs:
                let runs = (0..<own.count / 4).map { own.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
                return .rle(RLEMask(size: size(index), runs: runs))
            }
        }
    }

    private func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    private func size(_ index: Int) -> ImageSize {
        ImageSize(height: Int(sizes[index].x), width: Int(sizes[index].y))
    }

    /// Draws a record's mask as the next of `room`; run lengths keep their own size.
    ///
    /// - Throws: as `CocoSegmentation.mask`.
    /// - Precondition: the record has a segmentation.
    public func draw(
        _ index: Int, size image: ImageSize, into room: inout MaskRoom
    ) throws(CocoSegmentation.DrawingError) {
        guard forms[index] == .string else {
            room.append(try self[index]!.mask(size: image))
            return
        }
        bytes.withUnsafeBufferPointer { bytes in
            room.append(cocoString: UnsafeBufferPointer(rebasing: bytes[range(index)]), size: size(index))
        }
    }
}

extension Array {
    /// Adds `other`; where room must be made, it is made for `growth` times the elements there are then.
    mutating func append(_ other: [Element], growth: Double) {
        if capacity < count + other.count {
            reserveLarge(Int(Double(count + other.count) * Swift.max(growth, 1)) + 16)
        }
        append(contentsOf: other)
    }
}
