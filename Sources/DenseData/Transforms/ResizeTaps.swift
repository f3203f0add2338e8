import CImageCodecs
import ImageFiles

/// The source range and fixed-point weights (22 bits) of output positions along one axis.
struct ResizeTaps {
    private(set) var first: [Int32] = []
    private(set) var lengths: [Int32] = []
    private var weights: [Int32] = []
    private let stride: Int
    static let bits = 22

    /// - Parameters:
    ///   - positions: the output positions wanted; all unless given.
    ///   - isReversed: whether the last of them comes first: a mirrored picture.
    init(
        from source: Int, to target: Int, _ filter: Resize.Filter, positions: Range<Int>? = nil,
        isReversed: Bool = false
    ) {
        let positions = positions ?? 0..<target
        let scale = Double(source) / Double(target)
        let spread = filter == .bilinear ? 1 : max(scale, 1)
        let (reach, shrink) = (filter.support * spread, 1 / spread)
        stride = source == target ? 1 : 2 * Int(reach.rounded(.up)) + 1
        first.reserveCapacity(positions.count)
        lengths.reserveCapacity(positions.count)
        weights.reserveCapacity(positions.count * stride)
        for place in positions {
            let position = isReversed ? positions.lowerBound + positions.upperBound - 1 - place : place
            if source == target {
                first.append(Int32(position))
                lengths.append(1)
                weights.append(1 << Int32(Self.bits))
                continue
            }
            let centre = (Double(position) + 0.5) * scale
            let low = centre - reach + 0.5 < 0 ? 0 : Int(centre - reach + 0.5)
            let high = max(min(Int(centre + reach + 0.5), source), low + 1)
            append(low..<high, centre, shrink, filter)
        }
    }

    private mutating func append(_ range: Range<Int>, _ centre: Double, _ shrink: Double, _ filter: Resize.Filter) {
        precondition(range.count <= stride, "\(range.count) weights, room for \(stride)")
        withUnsafeTemporaryAllocation(of: Double.self, capacity: range.count) { row in
            var sum = 0.0
            for source in range {
                let weight = filter.weight((Double(source) - centre + 0.5) * shrink)
                row[source - range.lowerBound] = weight
                sum += weight
            }
            for place in 0..<stride {
                guard place < range.count else {
                    weights.append(0)
                    continue
                }
                let share = sum != 0 ? row[place] / sum : row[place]
                weights.append(Int32((share * Double(1 << Self.bits)).rounded(.toNearestOrAwayFromZero)))
            }
        }
        first.append(Int32(range.lowerBound))
        lengths.append(Int32(range.count))
    }

    /// The source positions that any output needs.
    var sources: Range<Int> {
        var (low, high) = (Int32.max, Int32(0))
        for (first, length) in zip(first, lengths) { (low, high) = (min(low, first), max(high, first + length)) }
        return Int(low)..<Int(high)
    }

    /// The same taps for a source that starts at what was `start`.
    func moved(toStart start: Int) -> ResizeTaps {
        var copy = self
        for place in first.indices { copy.first[place] -= Int32(start) }
        return copy
    }

    /// Writes `(rows, columns, 3)` samples.
    ///
    /// - Parameters:
    ///   - top, left: where in `source` the axes of the taps start.
    ///   - stride: samples from one row of the output to the next.
    static func apply(
        _ rows: ResizeTaps, _ columns: ResizeTaps, to source: Picture, top: Int = 0, left: Int = 0,
        output: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        precondition(
            top + rows.sources.upperBound <= source.height && left + columns.sources.upperBound <= source.width
                && top + rows.sources.lowerBound >= 0 && left + columns.sources.lowerBound >= 0,
            "taps outside a picture of (\(source.height), \(source.width))")
        let done = source.pixels.withUnsafeBufferPointer { pixels in
            rows.withCTaps { rows in
                columns.withCTaps { columns in
                    dmt_resize_rgb(
                        pixels.baseAddress! + (top * source.width + left) * 3, source.width * 3, rows, columns, output,
                        stride)
                }
            }
        }
        precondition(done == 1, "no memory to resize a picture of (\(source.height), \(source.width))")
    }

    private func withCTaps<Result>(_ body: (UnsafePointer<dmt_resize_taps>) -> Result) -> Result {
        first.withUnsafeBufferPointer { first in
            lengths.withUnsafeBufferPointer { lengths in
                weights.withUnsafeBufferPointer { weights in
                    var taps = dmt_resize_taps(
                        count: Int32(first.count), stride: Int32(stride), first: first.baseAddress,
                        length: lengths.baseAddress, weights: weights.baseAddress)
                    return body(&taps)
                }
            }
        }
    }
}
