import CMetricKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A mask as run lengths, COCO's way: down the columns, background first.
///
/// Runs from files may be anything; `isComplete` says whether they cover the picture exactly. Arithmetic follows
/// pycocotools 2.0.11, degenerate runs included.
public struct RLEMask: Sendable, Hashable {
    public let size: ImageSize
    public let runs: [UInt32]

    public init(size: ImageSize, runs: [UInt32]) {
        self.size = size
        self.runs = runs
    }

    /// Encodes a bitmap.
    public init(_ mask: BinaryMask) {
        size = mask.size
        runs = [UInt32](unsafeUninitializedCapacity: mask.pixels.count + 1) { buffer, count in
            count = dmt_rle_encode_rows(mask.pixels, mask.size.height, mask.size.width, buffer.baseAddress)
        }
    }

    /// Reads COCO's string form (characters 48...111, five bits each).
    ///
    /// - Returns: the mask, and whether the string was well formed; where it was not the runs are those the reference
    ///   reads, as far as it defines any.
    public static func decode(cocoString text: UnsafeBufferPointer<UInt8>, size: ImageSize) -> (
        mask: RLEMask, isWellFormed: Bool
    ) {
        var valid: Int32 = 1
        let runs = [UInt32](unsafeUninitializedCapacity: text.count) { buffer, count in
            count = text.isEmpty ? 0 : dmt_rle_from_string(text.baseAddress, text.count, buffer.baseAddress, &valid)
        }
        return (RLEMask(size: size, runs: runs), valid != 0)
    }

    public static func decode(cocoString text: String, size: ImageSize) -> (mask: RLEMask, isWellFormed: Bool) {
        Array(text.utf8).withUnsafeBufferPointer { decode(cocoString: $0, size: size) }
    }

    /// COCO's string form.
    public var cocoString: String {
        String(unsafeUninitializedCapacity: 7 * runs.count + 1) { buffer in
            buffer.withMemoryRebound(to: CChar.self) { dmt_rle_to_string(runs, runs.count, $0.baseAddress) }
        }
    }

    /// Whether the runs sum to the picture's pixels.
    public var isComplete: Bool { dmt_rle_total(runs, runs.count) == UInt64(size.pixelCount) }

    /// Foreground pixels, modulo 2^32.
    public var area: Int { Int(dmt_rle_area(runs, runs.count)) }

    /// Bounding box of the foreground in whole pixels; all zero for an empty mask of one run.
    public var cocoBox: CocoBox {
        runs.withUnsafeBufferPointer { CocoBox(runs: $0.baseAddress, count: $0.count, size: size) }
    }

    public var box: Box { Box(cocoBox) }

    public var bitmap: BinaryMask { BinaryMask(self) }

    /// Why two masks cannot be walked together.
    public enum OverlapError: Error, Equatable {
        case sizesDiffer
        /// The runs sum to different totals; the reference tool never returns here.
        case totalsDiffer
    }

    /// Pixels in both masks and in either.
    public func overlap(with other: RLEMask) throws(OverlapError) -> (both: UInt32, either: UInt32) {
        guard size == other.size else { throw .sizesDiffer }
        var both: UInt32 = 0
        var either: UInt32 = 0
        guard dmt_rle_overlap(runs, runs.count, other.runs, other.runs.count, &both, &either) != 0 else {
            throw .totalsDiffer
        }
        return (both, either)
    }

    /// Intersection over union; over the area of `self` alone where `truth` is a crowd. 0 for disjoint masks.
    public func iou(truth: RLEMask, isCrowd: Bool = false) throws(OverlapError) -> Double {
        let (both, either) = try overlap(with: truth)
        if both == 0 { return 0 }
        return Double(both) / Double(isCrowd ? UInt32(truncatingIfNeeded: area) : either)
    }

    /// Union (or intersection) of masks of one size.
    ///
    /// - Precondition: `masks` is not empty.
    public static func merged(_ masks: [RLEMask], intersecting: Bool = false) throws(OverlapError) -> RLEMask {
        precondition(!masks.isEmpty, "merging no masks")
        var result = masks[0]
        for mask in masks.dropFirst() {
            guard mask.size == result.size else { throw .sizesDiffer }
            let merged = [UInt32](unsafeUninitializedCapacity: result.runs.count + mask.runs.count + 1) {
                buffer, count in
                count = dmt_rle_merge(
                    result.runs, result.runs.count, mask.runs, mask.runs.count, intersecting ? 1 : 0, buffer.baseAddress
                )
            }
            guard !merged.isEmpty else { throw .totalsDiffer }
            result = RLEMask(size: result.size, runs: merged)
        }
        return result
    }

    /// Rasterises one polygon of pairs x, y as COCO does (an odd last number is ignored).
    ///
    /// - Precondition: at least one pair; coordinates below `Polygon.coordinateLimit`, or the outline takes for ever.
    public init(polygon: [Double], size: ImageSize) {
        self.size = size
        runs = Outline().withRuns(polygon, size) { Array($0) }
    }

    /// The mask's pixels near its outline: the mask without its erosion, the picture's border being outline too.
    ///
    /// - Parameter ratio: width of the band as a share of the picture's diagonal, rounded half to even, at least 1 pixel.
    /// - Source: Cheng et al. 2021, arXiv:2103.16562, `mask_to_boundary` of boundary-iou-api.
    public func boundary(ratio: Double = 0.02) -> RLEMask {
        let distance = size.boundaryDistance(ratio: ratio)
        var pointer: UnsafeMutablePointer<UInt32>?
        let count = dmt_rle_boundary(runs, runs.count, size.height, size.width, distance, &pointer)
        guard let pointer else { fatalError("out of memory for the boundary of a mask") }
        defer { free(pointer) }
        return RLEMask(size: size, runs: Array(UnsafeBufferPointer(start: pointer, count: count)))
    }

    /// Rasterises a box as COCO does, through its four corners.
    public init(box: CocoBox, size: ImageSize) {
        let (x1, y1) = (box.x + box.width, box.y + box.height)
        self.init(polygon: [box.x, box.y, box.x, y1, x1, y1, x1, box.y], size: size)
    }
}

extension CocoBox {
    /// Bounding box of the foreground of a mask's runs.
    init(runs: UnsafePointer<UInt32>?, count: Int, size: ImageSize) {
        var box = (0.0, 0.0, 0.0, 0.0)
        withUnsafeMutableBytes(of: &box) {
            dmt_rle_box(
                runs, count, UInt32(truncatingIfNeeded: size.height), UInt32(truncatingIfNeeded: size.width),
                $0.bindMemory(to: Double.self).baseAddress)
        }
        self.init(x: box.0, y: box.1, width: box.2, height: box.3)
    }
}
