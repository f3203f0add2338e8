import Geometry

/// Assigns each candidate box (anchor or proposal) the truth it overlaps most, and a verdict on that overlap.
///
/// - Source: detectron2's and torchvision's `Matcher`, mmdetection's `MaxIoUAssigner`. Departure: a truth that overlaps
///   nothing promotes nothing.
public struct BoxMatcher: Sendable, Hashable {
    public enum Verdict: Int8, Sendable { case background, ignored, foreground }

    /// What becomes of the candidates that overlap some truth most, where that overlap is below `high`.
    public enum LowQuality: Sendable, Hashable {
        case refused
        /// They are foreground and belong to the truth that they overlap most themselves (detectron2, torchvision).
        case kept
        /// They are foreground and belong to that truth, the last of several, if it is overlapped by `least` at all
        /// (mmdetection). Better matches are overwritten too.
        case overwriting(least: Double)
    }

    /// One entry a candidate.
    public struct Matches: Sendable, Equatable {
        /// Index of the truth with the largest IoU, the first of equals; 0 without any truth.
        public var truths: [Int32]
        public var verdicts: [Verdict]
    }

    /// IoU below this is background.
    public var low: Double
    /// IoU from this on is foreground.
    public var high: Double
    public var lowQuality: LowQuality

    /// - Precondition: `0 < low ≤ high ≤ 1`.
    public init(low: Double, high: Double, lowQuality: LowQuality = .refused) {
        precondition(0 < low && low <= high && high <= 1, "matcher thresholds \(low), \(high)")
        self.low = low
        self.high = high
        self.lowQuality = lowQuality
    }

    /// - Complexity: O(truths · candidates) time, O(truths + candidates) memory: no matrix is kept.
    public func match(truths: [Box], candidates: [Box]) -> Matches {
        var best = [Double](repeating: 0, count: candidates.count)
        var matches = Matches(
            truths: [Int32](repeating: 0, count: candidates.count),
            verdicts: [Verdict](repeating: .background, count: candidates.count))
        if truths.isEmpty { return matches }
        var bestOfTruth = [Double](repeating: 0, count: truths.count)
        candidates.withUnsafeBufferPointer { candidates in
            for (index, truth) in truths.enumerated() {
                var highest = 0.0
                for (at, candidate) in candidates.enumerated() {
                    let overlap = truth.iou(candidate)
                    if overlap > best[at] {
                        best[at] = overlap
                        matches.truths[at] = Int32(index)
                    }
                    highest = max(highest, overlap)
                }
                bestOfTruth[index] = highest
            }
            for at in candidates.indices where best[at] >= low {
                matches.verdicts[at] = best[at] >= high ? .foreground : .ignored
            }
            if lowQuality == .refused { return }
            for (index, truth) in truths.enumerated() where bestOfTruth[index] > 0 {
                if case .overwriting(let least) = lowQuality, bestOfTruth[index] < least { continue }
                for (at, candidate) in candidates.enumerated() where best[at] >= bestOfTruth[index] {
                    guard truth.iou(candidate) == bestOfTruth[index] else { continue }
                    matches.verdicts[at] = .foreground
                    if lowQuality != .kept { matches.truths[at] = Int32(index) }
                }
            }
        }
        return matches
    }
}
