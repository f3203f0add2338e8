import Foundation
import Reporting

/// Two runs over the same images, counted on the same draws.
struct PairedEvidence: Sendable {
    /// Metrics that both have.
    var metrics: [(name: String, difference: ComparedDifference?)]
    /// What is known of each class, column by column.
    var classes: [ClassColumn]

    struct ClassColumn: Sendable {
        var name: String
        var rows: [ClassRow]
    }

    struct ClassRow: Sendable {
        var name: String
        /// Images that show the class.
        var images: Int
        var reference: Double?
        var value: Double?
        var difference: ComparedDifference?
    }

    /// Why two runs cannot be paired; nil where they can.
    static func obstacle(_ a: RunEvidence?, _ b: RunEvidence?) -> String? {
        guard let a, let b else { return "a run has no \(RunEvidence.fileName)" }
        if a.kind != b.kind { return "evidence of \(a.kind.rawValue) and of \(b.kind.rawValue)" }
        if a.images != b.images { return "other images, or another order of them" }
        if a.classes != b.classes { return "other classes" }
        return nil
    }

    /// - Parameter onlyMetrics: leaves classes out.
    /// - Precondition: no `obstacle`.
    init(_ run: RunEvidence, minus reference: RunEvidence, _ bootstrap: Bootstrap, onlyMetrics: Bool = false) {
        precondition(Self.obstacle(run, reference) == nil, "pairing runs over different images or classes")
        let (first, second) = (run.content.sampler(), reference.content.sampler())
        let names = first.metrics.filter(second.metrics.contains)
        let columns = onlyMetrics ? [] : first.classColumns.filter(second.classColumns.contains)
        let (places, others) = (
            Self.places(names, columns, first), Self.places(names, columns, second)
        )
        let weights = [UInt64](repeating: 1, count: run.images.count)
        let (values, references) = (first.values(weights), second.values(weights))
        let found = bootstrap.differences(itemCount: weights.count) { weights in
            let values = first.values(weights)
            return places.map { values[$0] }
        } of: { weights in
            let values = second.values(weights)
            return others.map { values[$0] }
        }
        let differences = found.isEmpty ? places.map { _ in nil } : found
        metrics = names.indices.map { (names[$0], differences[$0].map(ComparedDifference.init)) }
        let support = run.content.classSupport()
        classes = columns.enumerated().map { c, column in
            let start = names.count + c * first.classCount
            let differences = (0..<first.classCount).map { k in
                differences[start + k].flatMap { Self.ofClass($0, images: support[k]) }
            }.holm()
            return ClassColumn(
                name: column,
                rows: (0..<first.classCount).map { k in
                    ClassRow(
                        name: run.classes[k], images: support[k], reference: references[others[start + k]],
                        value: values[places[start + k]], difference: differences[k])
                })
        }
    }

    /// Where the wanted numbers stand among those of a sampler.
    private static func places(_ names: [String], _ columns: [String], _ sampler: EvidenceSampler) -> [Int] {
        names.map { sampler.metrics.firstIndex(of: $0)! }
            + columns.flatMap { column in
                let start = sampler.metrics.count + sampler.classColumns.firstIndex(of: column)! * sampler.classCount
                return start..<start + sampler.classCount
            }
    }

    /// A class's difference with a p that many classes can be corrected by.
    ///
    /// The share of draws cannot fall below 2 / (draws + 1), which Holm over 80 classes would never let pass; so p is that of
    /// the normal approximation, but never smaller than a sign test over the images that show the class could make it: a
    /// class of five images shows nothing, however equal its draws are.
    private static func ofClass(_ paired: PairedDifference, images: Int) -> ComparedDifference? {
        guard images > 1 else { return nil }
        var result = ComparedDifference(paired)
        let normal =
            paired.standardError > 0
            ? StandardNormal.twoSidedTail(paired.difference / paired.standardError) : paired.difference == 0 ? 1 : 0
        result.pValue = max(normal, signTestFloor(images))
        result.adjustedP = result.pValue
        return result
    }

    /// The smallest two-sided p of a sign test over `n` items: `2^(1 − n)`.
    static func signTestFloor(_ n: Int) -> Double { n < 1 ? 1 : min(1, exp2(Double(1 - n))) }
}
