import Foundation
import Reporting

/// `dmt bench gate`: how often a gate with `evident: true` closes when nothing is wrong, and how often when something is.
///
/// 1. Two equally good students' evidence of the same images is swapped image by image at random: each swap is a pair that
///    differs by chance alone.
/// 2. A student that is worse by `drop`, on average over images, is held against a good one, on another set of images a draw.
/// 3. Clear cases of both kinds are bootstrapped again with other seeds.
///
/// The evidence comes from a model with errors of images, classes and students (`DrawnSegmentation`, `DrawnDetection`).
public struct GateExperiment: Sendable {
    public enum Kind: String, Sendable, CaseIterable { case segmentation, detection }

    public var kind = Kind.segmentation
    /// Sizes of the data sets.
    public var imageCounts = [500]
    public var classes = 20
    public var swaps = 1000
    /// Data sets with a planted drop.
    public var draws = 200
    public var drop = 0.02
    public var bootstrapDraws = 1000
    /// Bootstrap seeds that each clear case is asked again with.
    public var seeds = 20
    public var seed: UInt64 = 0

    public init() {}

    /// What was counted at one size.
    public struct Row: Sendable, Equatable {
        public var images: Int
        public var swaps: Int
        /// Swaps where the second student is evidently worse: the gate closes.
        public var alarms: Int
        /// Swaps where the two differ evidently, either way.
        public var differences: Int
        public var draws: Int
        /// Planted drops that close the gate.
        public var caught: Int
        /// Mean drop over the draws.
        public var meanDrop: Double
        /// Cases far from the decision: |difference| at least 3.5 or at most 1 standard errors.
        public var clearCases: Int
        /// Clear cases where some seed of the bootstrap says otherwise.
        public var flips: Int
    }

    /// - Parameter onTrial: called after each bootstrap.
    public func run(onTrial: () -> Void = {}) -> [Row] {
        switch kind {
        case .segmentation: run(DrawnSegmentation.self, onTrial)
        case .detection: run(DrawnDetection.self, onTrial)
        }
    }

    /// Bootstraps that `run` makes at most.
    public var trialCount: Int {
        imageCounts.count * (swaps + draws + (min(Self.clearLimit, swaps) + min(Self.clearLimit, draws)) * seeds)
    }

    /// Clear cases of each kind that are asked again.
    private static let clearLimit = 20

    private func run<Student: DrawnStudent>(_ type: Student.Type, _ onTrial: () -> Void) -> [Row] {
        let shift = shift(of: type)
        return imageCounts.map { images in
            var row = Row(
                images: images, swaps: swaps, alarms: 0, differences: 0, draws: draws, caught: 0, meanDrop: 0,
                clearCases: 0, flips: 0)
            var clear: [(first: Student, second: Student, isEvident: Bool)] = []
            let pair = (student(type, images, 0, 1, dataSet: 0), student(type, images, 0, 2, dataSet: 0))
            for swap in 0..<swaps {
                var stream = Student.stream("swap", seed, swap)
                let takes = (0..<images).map { _ in stream.chance(0.5) }
                let first = pair.0.mixed(with: pair.1, takes: takes)
                let second = pair.1.mixed(with: pair.0, takes: takes)
                guard let found = difference(second.resampled(), first.resampled(), images, seed) else { continue }
                if found.isEvident { row.differences += 1 }
                if found.verdict(.higherIsBetter) == .worse { row.alarms += 1 }
                if abs(found.difference) <= found.standardError, clear.count < Self.clearLimit {
                    clear.append((first, second, false))
                }
                onTrial()
            }
            let equal = clear.count
            for draw in 0..<draws {
                let good = student(type, images, 0, 1, dataSet: draw + 1)
                let worse = student(type, images, shift, 2, dataSet: draw + 1)
                guard let found = difference(worse.resampled(), good.resampled(), images, seed) else { continue }
                row.meanDrop -= found.difference / Double(draws)
                if found.verdict(.higherIsBetter) == .worse { row.caught += 1 }
                if abs(found.difference) >= 3.5 * found.standardError, clear.count < equal + Self.clearLimit {
                    clear.append((good, worse, true))
                }
                onTrial()
            }
            row.clearCases = clear.count
            for (first, second, isEvident) in clear {
                let metrics = (first.resampled(), second.resampled())
                let answers = (1...max(1, seeds)).map { offset -> Bool in
                    onTrial()
                    return difference(metrics.1, metrics.0, images, seed &+ UInt64(offset))?.isEvident ?? false
                }
                if answers.contains(!isEvident) { row.flips += 1 }
            }
            return row
        }
    }

    private func student<Student: DrawnStudent>(
        _: Student.Type, _ images: Int, _ shift: Double, _ student: UInt64, dataSet: Int
    ) -> Student {
        Student(
            images: images, classes: classes, shift: shift, seed: seed &* 1_000_003 &+ UInt64(dataSet),
            student: student)
    }

    private func difference(
        _ second: @Sendable ([UInt64]) -> Double?, _ first: @Sendable ([UInt64]) -> Double?, _ images: Int,
        _ seed: UInt64
    ) -> ComparedDifference? {
        Bootstrap(drawCount: bootstrapDraws, seed: seed).difference(itemCount: images, second, of: first)
            .map { ComparedDifference($0) }
    }

    /// The shift that costs `drop` on a large set of images, by bisection with the same errors throughout.
    private func shift<Student: DrawnStudent>(of type: Student.Type) -> Double {
        let images = 4000
        let weights = [UInt64](repeating: 1, count: images)
        func value(_ shift: Double) -> Double {
            student(type, images, shift, 1, dataSet: 999_983).resampled()(weights) ?? 0
        }
        let best = value(0)
        var (low, high) = (-4.0, 0.0)
        for _ in 0..<20 {
            let middle = (low + high) / 2
            if best - value(middle) > drop { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
