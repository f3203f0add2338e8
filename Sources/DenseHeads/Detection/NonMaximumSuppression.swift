import Geometry

/// Greedy suppression of boxes that overlap a better one: deterministic, ties go to the lower index.
public enum NonMaximumSuppression {
    /// Indices of the boxes kept, best score first.
    ///
    /// A box falls when its IoU with a kept one exceeds `threshold` (equality stays), as in torchvision's `nms`.
    ///
    /// - Parameter limit: stop after this many; the result is the same as cutting the full list.
    /// - Complexity: O(n log n + n · kept).
    public static func keep(_ boxes: [Box], scores: [Float], threshold: Double, limit: Int = .max) -> [Int] {
        precondition(boxes.count == scores.count, "suppression of \(boxes.count) boxes with \(scores.count) scores")
        var kept: [Int] = []
        var winners: [Box] = []
        for index in order(scores) {
            if kept.count >= limit { break }
            let box = boxes[index]
            if winners.contains(where: { $0.iou(box) > threshold }) { continue }
            kept.append(index)
            winners.append(box)
        }
        return kept
    }

    /// Suppression within each group (pyramid level or class) alone; the result is merged by score, then index.
    ///
    /// - Parameter groups: one number in `0..<groupCount` a box.
    public static func keep(
        _ boxes: [Box], scores: [Float], groups: [Int], groupCount: Int, threshold: Double, limit: Int = .max
    ) -> [Int] {
        precondition(boxes.count == groups.count, "suppression of \(boxes.count) boxes in \(groups.count) groups")
        var members = [[Int]](repeating: [], count: groupCount)
        for (index, group) in groups.enumerated() { members[group].append(index) }
        var kept: [Int] = []
        for group in members {
            let local = keep(
                group.map { boxes[$0] }, scores: group.map { scores[$0] }, threshold: threshold, limit: limit)
            kept += local.map { group[$0] }
        }
        kept.sort { scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1) }
        return Array(kept.prefix(limit))
    }

    /// Indices by falling score, equal scores by index.
    static func order(_ scores: [Float]) -> [Int] {
        scores.indices.sorted { scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1) }
    }
}
