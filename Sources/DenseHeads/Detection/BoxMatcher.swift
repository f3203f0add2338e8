import Geometry

/// Assigns each candidate box (anchor or proposal) the truth it overlaps most, and a verdict on that overlap.
///
/// - Source: detectron2's `Matcher`. A candidate that is some truth's best keeps its own best truth when low-quality
///   matches are allowed (mmdetection overwrites it). Departure: a truth that overlaps nothing promotes nothing.
public struct BoxMatcher: Sendable, Hashable {
    public enum Verdict: Int8, Sendable { case background, ignored, foreground }

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
    /// Whether the best candidates of a truth are foreground whatever their IoU.
    public var allowsLowQuality: Bool

    /// - Precondition: `0 < low ≤ high ≤ 1`.
    public init(low: Double, high: Double, allowsLowQuality: Bool) {
        precondition(0 < low && low <= high && high <= 1, "matcher thresholds \(low), \(high)")
        self.low = low
        self.high = high
        self.allowsLowQuality = allowsLowQuality
    }

    /// 0.3 / 0.7 with low-quality matches.
    public static let proposals = BoxMatcher(low: 0.3, high: 0.7, allowsLowQuality: true)
    /// 0.5 without low-quality matches.
    public static let regions = BoxMatcher(low: 0.5, high: 0.5, allowsLowQuality: false)

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
            guard allowsLowQuality else { return }
            for (index, truth) in truths.enumerated() where bestOfTruth[index] > 0 {
                for (at, candidate) in candidates.enumerated() where best[at] >= bestOfTruth[index] {
                    if truth.iou(candidate) == bestOfTruth[index] { matches.verdicts[at] = .foreground }
                }
            }
        }
        return matches
    }
}
