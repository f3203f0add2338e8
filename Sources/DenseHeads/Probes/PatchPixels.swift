import Determinism

/// The labels of every pixel of some patches, `(M, P)`: what probes of patch tokens learn from.
public struct PatchPixels: Sendable {
    /// Pixels of a patch, row by row within it.
    public let pixelsPerPatch: Int
    /// The label of pixels that belong to no class.
    public let ignoreLabel: UInt16
    public private(set) var values: [UInt16] = []

    public init(pixelsPerPatch: Int, ignoreLabel: UInt16) {
        precondition(pixelsPerPatch >= 1, "patches of \(pixelsPerPatch) pixels")
        self.pixelsPerPatch = pixelsPerPatch
        self.ignoreLabel = ignoreLabel
    }

    public var count: Int { values.count / pixelsPerPatch }

    /// Cuts a label map into the patches of a grid, row by row.
    ///
    /// - Precondition: the map's sides are multiples of the grid's, and give patches of `pixelsPerPatch`.
    public mutating func append(map: [UInt16], height: Int, width: Int, grid: (height: Int, width: Int)) {
        let (tall, wide) = (height / grid.height, width / grid.width)
        precondition(
            map.count == height * width && tall * grid.height == height && wide * grid.width == width
                && tall * wide == pixelsPerPatch,
            "patches of \(pixelsPerPatch) pixels on a grid \(grid) of a map \(height)x\(width)")
        values.reserveCapacity(values.count + map.count)
        for gy in 0..<grid.height {
            for gx in 0..<grid.width {
                for y in gy * tall..<(gy + 1) * tall {
                    let start = y * width + gx * wide
                    values.append(contentsOf: map[start..<start + wide])
                }
            }
        }
    }

    /// Adds the patches of another list.
    public mutating func append(_ other: PatchPixels) {
        precondition(
            other.pixelsPerPatch == pixelsPerPatch && other.ignoreLabel == ignoreLabel,
            "patches of \(other.pixelsPerPatch) pixels after patches of \(pixelsPerPatch)")
        values.append(contentsOf: other.values)
    }

    /// Only the given patches, in the order given.
    public func gathering(_ patches: [Int]) -> PatchPixels {
        var result = PatchPixels(pixelsPerPatch: pixelsPerPatch, ignoreLabel: ignoreLabel)
        result.values.reserveCapacity(patches.count * pixelsPerPatch)
        for patch in patches { result.values.append(contentsOf: pixels(of: patch)) }
        return result
    }

    public func pixels(of patch: Int) -> ArraySlice<UInt16> {
        values[patch * pixelsPerPatch..<(patch + 1) * pixelsPerPatch]
    }

    /// Classes of a patch with their pixel counts, lower classes first; ignored pixels are left out.
    public func histogram(of patch: Int) -> [(label: UInt16, pixels: Int)] {
        var counts: [(label: UInt16, pixels: Int)] = []
        for value in pixels(of: patch) where value != ignoreLabel {
            if let at = counts.firstIndex(where: { $0.label == value }) {
                counts[at].pixels += 1
            } else {
                counts.append((value, 1))
            }
        }
        return counts.sorted { $0.label < $1.label }
    }

    /// The commonest class of each patch: the lower among equals, −1 where every pixel is ignored.
    public func majorities() -> [Int32] {
        (0..<count).map { patch in
            var best: (label: UInt16, pixels: Int)?
            for entry in histogram(of: patch) where entry.pixels > best?.pixels ?? 0 { best = entry }
            return best.map { Int32($0.label) } ?? -1
        }
    }

    /// Patches of one picture with rare classes first: `count` of them, by class frequency times seeded noise.
    ///
    ///     score_p = u_p · Σ_{c in p} #{patches of the picture that hold c},   u_p uniform in [0, 1)
    ///
    /// The smallest scores win; patches without a class come last.
    ///
    /// - Source: `_sample_features` of open-hummingbird-eval, whose noise is not seeded.
    public func rareFirst(patches: Range<Int>, count: Int, _ stream: inout RandomStream) -> [Int] {
        let histograms = patches.map { histogram(of: $0) }
        var frequency: [UInt16: Int] = [:]
        for histogram in histograms {
            for entry in histogram { frequency[entry.label, default: 0] += 1 }
        }
        let scores = histograms.map { histogram in
            histogram.isEmpty
                ? 1e6 : stream.uniform() * Double(histogram.reduce(0) { $0 + (frequency[$1.label] ?? 0) })
        }
        let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
        return order.prefix(count).map { patches.lowerBound + $0 }
    }
}
