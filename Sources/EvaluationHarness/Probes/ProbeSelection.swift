import Determinism
import Geometry
import DenseMetrics
import Reporting
import SafeFiles

/// How a probe's settings were chosen among several: by a score on pictures that are not the reported ones.
struct ProbeSelection {
    /// "10 neighbours by cosine", ... with their scores, in the order tried.
    var trials: [(choice: String, score: Double)] = []
    /// Index into `trials`.
    var chosen = 0
    /// In words, for the record.
    var rule = "fixed beforehand"

    /// The largest score, the first of equals.
    ///
    /// - Parameter score: of a candidate learned without the held-out pictures.
    static func choose(
        _ choices: [String], by metric: String, on heldOut: String, score: (Int) throws -> Double
    ) rethrows -> ProbeSelection {
        guard choices.count > 1 else { return ProbeSelection() }
        var selection = ProbeSelection()
        for (index, choice) in choices.enumerated() {
            let value = try score(index)
            selection.trials.append((choice, value))
            if value > selection.trials[selection.chosen].score { selection.chosen = index }
        }
        selection.rule = "\(choices[selection.chosen]) of \(choices.count), by \(metric) on \(heldOut)"
        return selection
    }

    /// A head in words for the protocol: where settings were chosen, all that were tried stand in place of the chosen one,
    /// so that two networks under one protocol stay comparable whatever suited each.
    func protocolWords(_ head: String, choice: String) -> String {
        trials.count > 1 ? head.replacing(choice, with: "[\(trials.map(\.choice).joined(separator: " | "))]") : head
    }

    /// The trials as a table.
    var table: ReportTable {
        var table = ReportTable(
            caption: "Settings tried; \(rule).", columns: [.init("setting"), .init("score", .right), .init("chosen")])
        for (index, trial) in trials.enumerated() {
            table.add([.text(trial.choice), .number(trial.score), .text(index == chosen ? "yes" : "")])
        }
        return table
    }
}

/// Pictures of the training split that are held out for choosing settings.
struct HeldOutSplit {
    /// Members that candidates learn from, and those they are scored on; both ascending.
    let learning: [Int]
    let heldOut: [Int]
    /// In words, for the selection rule.
    let words: String

    /// - Parameters:
    ///   - share: of the pictures that are held out; at least one on either side.
    init(count: Int, share: Double, seed: UInt64) {
        var stream = RandomStream(seed: seed, purpose: "held-out pictures")
        let order = stream.permutation(count)
        let taken = min(max(1, Int(Double(count) * share)), count - 1)
        heldOut = order[..<taken].sorted()
        learning = order[taken...].sorted()
        words = "\(taken) held-out pictures of the training split (seed \(seed)), then refitted on all"
    }

    /// - Throws: `.configuration` where so few pictures cannot be learned from and chosen on.
    static func demand(pictures: Int, candidates: Int) throws(DataError) {
        guard pictures >= (candidates > 1 ? 2 : 1) else {
            throw DataError(
                .configuration, file: "options", record: "train split",
                expected: "at least two pictures to choose settings on", found: "\(pictures)",
                remedy: "learn from more pictures, or give one value of each setting")
        }
    }
}

extension ProbeSelection {
    /// Chooses among segmentation probes by data-set mIoU on pictures held out of the training split.
    ///
    /// - Parameter pictures: of the set's training split; input `i` of the set shows picture `i % pictures`.
    static func choose(
        _ candidates: [any SegmentationProbe], set: ProbeSet, pictures: Int, share: Double, seed: UInt64,
        shouldStop: () -> Bool
    ) throws -> ProbeSelection {
        guard candidates.count > 1 else { return ProbeSelection() }
        let split = HeldOutSplit(count: pictures, share: share, seed: seed)
        let held = Set(split.heldOut)
        let learning = set.subset((0..<set.count).filter { !held.contains(set.inputs[$0] % pictures) })
        // Scored in their first view.
        let scored = set.subset((0..<set.count).filter { held.contains(set.inputs[$0]) })
        return try choose(candidates.map(\.choice), by: "mIoU", on: split.words) { index in
            try meanIoU(candidates[index].fit(learning, shouldStop: shouldStop), scored, shouldStop)
        }
    }

    private static func meanIoU(
        _ fitted: any FittedSegmentationProbe, _ set: ProbeSet, _ shouldStop: () -> Bool
    ) throws -> Double {
        let coding = try LabelCoding(classCount: set.classCount, ignoreLabel: Int(set.ignoreLabel))
        var counter = SegmentationCounter(coding: coding)
        var evaluation = SegmentationEvaluation(classCount: set.classCount)
        for member in 0..<set.count {
            if shouldStop() { throw TrainingInterrupted(completedSteps: 0) }
            let truth = try set.labels(of: member)
            let found = fitted.labels(
                of: try set.tokens([member]).reshaped([set.store.shape.rows, -1]), grid: set.grid, side: set.side,
                output: ImageSize(height: truth.height, width: truth.width))
            evaluation.add(try counter.counts(prediction: found.values, label: truth.values), image: "\(member)")
        }
        return evaluation.value(of: .mIoU) ?? 0
    }
}
