import CMetricKernels

/// How many pixels each pair of a true and a predicted segment shares in one picture.
public struct PanopticPairs: Sendable, Equatable {
    public struct Pair: Sendable, Equatable {
        public var truth: Int64
        public var predicted: Int64
        public var pixels: Int
    }

    /// Ascending by true id, then predicted id; only pairs that occur.
    public let pairs: [Pair]

    public init(_ pairs: [Pair]) { self.pairs = pairs }

    /// Counts two maps of 8-bit RGB rows; a segment's id is R + 256 G + 65536 B.
    ///
    /// - Precondition: as many bytes in both, three a pixel.
    public init(truth: [UInt8], predicted: [UInt8]) {
        precondition(
            truth.count == predicted.count && truth.count % 3 == 0,
            "panoptic maps of \(truth.count) and \(predicted.count) bytes")
        var capacity = 1024
        while true {
            var keys = [UInt64](repeating: 0, count: capacity)
            var counts = keys
            let used = dmt_panoptic_pairs(truth, predicted, truth.count / 3, &keys, &counts, capacity)
            // SIZE_MAX, as Swift reads it.
            if used < 0 {
                capacity *= 8
                continue
            }
            pairs = keys.indices.filter { keys[$0] != .max }.map { slot in
                Pair(
                    truth: Int64(keys[slot] >> 24), predicted: Int64(keys[slot] & 0xFF_FFFF), pixels: Int(counts[slot]))
            }.sorted { ($0.truth, $0.predicted) < ($1.truth, $1.predicted) }
            return
        }
    }
}
