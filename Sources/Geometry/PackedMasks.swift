import CMetricKernels

/// Many masks, the runs of one behind those of another: no allocation a mask, and nothing is counted when one is read.
public struct PackedMasks: Sendable {
    public private(set) var sizes: [ImageSize] = []
    private var runs: [UInt32] = []
    /// Where the runs of each mask begin, and one more.
    private var starts = [0]

    public init() {}

    public var count: Int { sizes.count }
    public var isEmpty: Bool { sizes.isEmpty }

    public mutating func append(_ mask: RLEMask) {
        sizes.append(mask.size)
        runs += mask.runs
        starts.append(runs.count)
    }

    /// The masks of several packs, one pack after the other; each is given up as soon as it has been copied.
    public static func joined(_ packs: consuming [PackedMasks]) -> PackedMasks {
        var result = PackedMasks()
        result.sizes.reserveCapacity(packs.reduce(0) { $0 + $1.count })
        result.starts.reserveCapacity(packs.reduce(1) { $0 + $1.count })
        result.runs.reserveCapacity(packs.reduce(0) { $0 + $1.runs.count })
        for index in packs.indices {
            let base = result.runs.count
            result.sizes += packs[index].sizes
            result.runs += packs[index].runs
            result.starts += packs[index].starts.dropFirst().lazy.map { $0 + base }
            packs[index] = PackedMasks()
        }
        return result
    }

    public subscript(index: Int) -> RLEMask {
        RLEMask(size: sizes[index], runs: Array(runs[starts[index]..<starts[index + 1]]))
    }

    /// The runs of a mask, for loops in C.
    private func withRuns<Result>(_ index: Int, _ body: (UnsafePointer<UInt32>?, Int) -> Result) -> Result {
        runs.withUnsafeBufferPointer { all in
            body(all.baseAddress.map { $0 + starts[index] }, starts[index + 1] - starts[index])
        }
    }

    /// As ``RLEMask/isComplete``.
    public func isComplete(_ index: Int) -> Bool {
        withRuns(index) { dmt_rle_total($0, $1) } == UInt64(sizes[index].pixelCount)
    }

    /// As ``RLEMask/area``.
    public func area(_ index: Int) -> Int { Int(withRuns(index) { dmt_rle_area($0, $1) }) }

    /// As ``RLEMask/cocoBox``.
    public func cocoBox(_ index: Int) -> CocoBox {
        withRuns(index) { CocoBox(runs: $0, count: $1, size: sizes[index]) }
    }

    /// As ``RLEMask/iou(truth:isCrowd:)``.
    public func iou(
        _ index: Int, truth: PackedMasks, _ other: Int, isCrowd: Bool = false
    ) throws(RLEMask.OverlapError) -> Double {
        guard sizes[index] == truth.sizes[other] else { throw .sizesDiffer }
        var both: UInt32 = 0
        var either: UInt32 = 0
        let isWalked = withRuns(index) { a, aCount in
            truth.withRuns(other) { b, bCount in dmt_rle_overlap(a, aCount, b, bCount, &both, &either) != 0 }
        }
        guard isWalked else { throw .totalsDiffer }
        if both == 0 { return 0 }
        return Double(both) / Double(isCrowd ? UInt32(truncatingIfNeeded: area(index)) : either)
    }
}
