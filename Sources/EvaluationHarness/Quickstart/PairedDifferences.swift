import JSONText
import Reporting
import SafeFiles

/// One arm against scratch in one metric, over the same images.
struct ArmDifference {
    var arm: QuickstartArm
    var metric: String
    var difference: ComparedDifference

    var json: JSONValue {
        .object([
            ("arm", .string(arm.rawValue)), ("metric", .string(metric)), ("difference", .double(difference.difference)),
            ("interval", .array([.double(difference.interval.lower), .double(difference.interval.upper)])),
            ("level", .double(difference.interval.level)), ("p", .double(difference.pValue)),
            ("method", .string(difference.method)),
        ])
    }
}

/// Bootstraps over images of the difference of each distilled arm to scratch, from the evidence of their evaluations.
struct PairedDifferences {
    let quickstart: Quickstart
    let results: [ArmResult]

    /// The evaluations, and which of their metrics the table shows.
    private static let stages = [
        ("segment-eval", ["mIoU"]), ("detect-eval", ["AP_box", "AP_mask"]), ("knn-eval", ["knn_top1"]),
    ]

    func all() throws(DataError) -> [ArmDifference] {
        guard results.contains(where: { $0.arm == .scratch }) else { return [] }
        let bootstrap = Bootstrap(drawCount: quickstart.settings.bootstrapDraws)
        var differences: [ArmDifference] = []
        for arm in results.map(\.arm) where arm != .scratch {
            for (stage, metrics) in Self.stages {
                let paired = PairedEvidence(
                    try evidence(arm, stage), minus: try evidence(.scratch, stage), bootstrap, onlyMetrics: true)
                for (metric, found) in paired.metrics where metrics.contains(metric) {
                    guard let found else { continue }
                    differences.append(ArmDifference(arm: arm, metric: metric, difference: found))
                }
            }
        }
        return differences
    }

    private func evidence(_ arm: QuickstartArm, _ stage: String) throws(DataError) -> RunEvidence {
        try RunEvidence.load(quickstart.run(arm, stage) + "/" + RunEvidence.fileName)
    }
}
