import DenseMetrics
import JSONText
import Reporting
import SafeFiles

/// One arm against scratch in one metric, over the same images.
struct ArmDifference {
    var arm: QuickstartArm
    var metric: String
    var difference: PairedDifference

    var json: JSONValue {
        .object([
            ("arm", .string(arm.rawValue)), ("metric", .string(metric)), ("difference", .double(difference.difference)),
            ("interval", .array([.double(difference.interval.lower), .double(difference.interval.upper)])),
            ("level", .double(difference.interval.level)), ("p", .double(difference.pValue)),
            ("method", .string(difference.method)),
        ])
    }
}

/// Bootstraps over images of the difference of each distilled arm to scratch, from the prediction files.
struct PairedDifferences {
    let quickstart: Quickstart
    let results: [ArmResult]

    func all() throws -> [ArmDifference] {
        guard results.contains(where: { $0.arm == .scratch }) else { return [] }
        let bootstrap = Bootstrap(drawCount: quickstart.settings.bootstrapDraws)
        let (segmentation, neighbours) = (try counts(.scratch), try hits(.scratch))
        let detection = try CocoOverlap.detections.map { try errors(.scratch, $0) }
        var differences: [ArmDifference] = []
        for arm in results.map(\.arm) where arm != .scratch {
            if let found = try counts(arm).difference(to: segmentation, in: .mIoU, bootstrap: bootstrap) {
                differences.append(ArmDifference(arm: arm, metric: "mIoU", difference: found))
            }
            for (kind, scratch) in zip(CocoOverlap.detections, detection) {
                let all = try errors(arm, kind).differences(to: scratch, bootstrap)
                guard let found = all.first(where: { $0.name == "AP" }) else { continue }
                differences.append(
                    ArmDifference(arm: arm, metric: "AP_\(kind.suffix)", difference: found.difference))
            }
            let own = try hits(arm)
            let found = bootstrap.difference(itemCount: own.count) {
                Self.share(own, $0)
            } of: {
                Self.share(neighbours, $0)
            }
            if let found { differences.append(ArmDifference(arm: arm, metric: "knn_top1", difference: found)) }
        }
        return differences
    }

    private func counts(_ arm: QuickstartArm) throws -> SegmentationEvaluation {
        let source = try TaskData(quickstart.data, section: "segmentation", split: "val", listFile: nil)
        let dataset = try source.segmentation()
        let coding = try LabelCoding(
            classCount: dataset.info.classes.count, ignoreLabel: dataset.info.ignoreLabel.map(Int.init),
            reducesZeroLabel: dataset.reducesZeroLabel)
        return try SemsegScoring.run(
            labels: source.labelFolder, predictions: quickstart.run(arm, "segment-eval") + "/predictions",
            dataset: .classes(coding)
        ).evaluation
    }

    private func errors(_ arm: QuickstartArm, _ overlap: CocoOverlap) throws -> CocoErrors {
        let dataset = try TaskData(quickstart.data, section: "detection", split: "val", listFile: nil).detection()
        return CocoErrors(
            try CocoScoring.run(
                gt: dataset.annotationFile, dt: quickstart.run(arm, "detect-eval") + "/predictions.json",
                iouType: overlap
            ).matches)
    }

    /// Which validation crops the neighbours named right.
    private func hits(_ arm: QuickstartArm) throws -> [Bool] {
        let dataset = try TaskData(quickstart.data, section: "classification", split: "val", listFile: nil)
            .classification()
        return try ClassPredictions.hits(quickstart.run(arm, "knn-eval") + "/predictions.tsv", dataset)
    }

    private static func share(_ hits: [Bool], _ weights: [UInt64]) -> Double? {
        let total = weights.reduce(0, +)
        let right = zip(hits, weights).reduce(UInt64(0)) { $0 + ($1.0 ? $1.1 : 0) }
        return total == 0 ? nil : Double(right) / Double(total)
    }
}
