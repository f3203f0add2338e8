import CheckpointIO
import DenseData
import DenseHeads
import DenseMetrics
import Geometry
import Reporting
import SafeFiles
import VisionBackbones

extension HeadEvaluation {
    func job(_ source: TaskData, _ session: CommandSession) throws -> EvaluationJob {
        switch task {
        case .segment: try segmentJob(source, session)
        case .linear, .denseKNN: try probeJob(source, session)
        case .detect: try detectJob(source, session)
        case .classify: try classifyJob(source, session)
        case .knn: try classProbeJob(source, session, .knn)
        }
    }

    /// The encoder's row of the efficiency table; none for windows, whose cost is in the whole model's row.
    func costs(_ backbone: ViTConfiguration?, side: Int) -> [NetworkCost] {
        guard let backbone else { return [] }
        return [.measure(backbone, network: "backbone", imageSize: wholePatches(side, backbone))]
    }

    /// The side of the pictures that the network sees; 0 stands for its own.
    private func wholePatches(_ side: Int, _ backbone: ViTConfiguration) -> Int {
        let side = side == 0 ? backbone.imageSize : side
        return ImageSize(height: side, width: side).roundedUp(toMultiplesOf: backbone.patchSize).width
    }

    // MARK: Segmentation

    private func segmentJob(_ source: TaskData, _ session: CommandSession) throws -> EvaluationJob {
        let dataset = try source.segmentation()
        let loaded = try checkpoint.map(SegmentationModel.load)
        var entries: [(String, String)] = []
        if let model = loaded?.model {
            let side = size ?? model.architecture.shortSide
            entries = [
                (
                    "input",
                    (side == 0 ? "own size" : "short side \(side), long side at most \(4 * side)")
                        + ", padded to multiples of \(model.backbone.patchSize)"
                ),
                ("resize filter", "bilinear-antialiased"),
                (
                    "inference",
                    windows.map { "sliding windows of \($0.crop), stride \($0.stride), mean of logits" }
                        ?? "whole picture"
                ),
                ("test-time augmentation", augmentation?.words ?? "none"),
            ]
        }
        return EvaluationJob(
            notes: TrainingNotes(loaded?.metadata ?? [:]),
            model: loaded.map { $0.model.backbone.words + ", \($0.model.architecture.head.rawValue)" } ?? "predictions",
            summary: try source.summary(dataset, listed: try source.segmentation(all: true).count),
            imageNames: (0..<dataset.count).map(dataset.name), workload: dataset.count, predictionName: "predictions",
            protocolEntries: entries + segmentationEntries(dataset),
            predict: { target, kept, onImage, shouldStop in
                guard let model = loaded?.model else { return nil }
                try SegmentationInference(shortSide: size, windows: windows, augmentation: augmentation).predict(
                    model, dataset: dataset, to: target, onImage: onImage, shouldStop: shouldStop,
                    group: session.group, kept: kept)
                return nil
            },
            costs: {
                guard let model = loaded?.model else { return [] }
                let encoder = model.backbone.configuration
                let shown = wholePatches(windows?.crop ?? size ?? model.architecture.shortSide, encoder)
                let side = model.inputSize(of: ImageSize(height: shown, width: shown)).width
                return costs(encoder, side: side) + [
                    .measure(model, network: "segmentation model", imageSize: side) { _ = model.logits($0) }
                ]
            },
            score: { target, _ in try segmentationScores(target, dataset, source, session) })
    }

    func segmentationEntries(_ dataset: SegmentationFolder) -> [(String, String)] {
        [
            (
                "label size",
                labelSize.map { "short side at most \($0), nearest; predictions alike" } ?? "the label file's"
            ),
            ("ignored labels", (dataset.reducesZeroLabel ? "0 and " : "") + "\(dataset.info.ignoreLabel ?? 255)"),
            ("absent classes", "mIoU: left out where neither labelled nor predicted"),
            ("classes", "\(dataset.info.classes.count)"),
        ]
    }

    func segmentationScores(
        _ target: String, _ dataset: SegmentationFolder, _ source: TaskData, _ session: CommandSession
    ) throws -> EvaluationJob.Scores {
        let info = dataset.info
        let coding = try LabelCoding(
            classCount: info.classes.count, ignoreLabel: info.ignoreLabel.map(Int.init),
            reducesZeroLabel: dataset.reducesZeroLabel)
        let names = (0..<dataset.count).map { SegmentationInference.fileName(dataset.name(at: $0)) }
        let pictures = Dictionary(
            zip(names, (0..<dataset.count).map(dataset.name)), uniquingKeysWith: { first, _ in first })
        let score = try SemsegScoring.run(
            labels: source.labelFolder, predictions: target, dataset: .classes(coding), classNames: info.classes,
            bootstrap: bootstrap(session),
            only: names, labelSize: labelSize, allowsLinks: dataset.allowsLinks)
        let rows = score.evaluation.classTable(names: info.classes).map { row in
            ClassTable.Row(
                name: row.name ?? "\(row.index)",
                values: [row.iou, row.accuracy, row.dice, Double(row.labelledPixels), Double(row.predictedPixels)])
        }
        return EvaluationJob.Scores(
            metrics: score.metrics,
            classTable: ClassTable(columns: ["IoU", "Acc", "Dice", "labelled pixels", "predicted pixels"], rows: rows),
            warnings: score.warnings,
            evidence: RunEvidence(
                images: score.evaluation.images.map { pictures[$0] ?? $0 }, classes: info.classes,
                SegmentationEvidence(evaluation: score.evaluation)))
    }

    func bootstrap(_ session: CommandSession) -> Bootstrap? {
        bootstrapDraws > 0 ? Bootstrap(drawCount: bootstrapDraws, seed: session.seed) : nil
    }

    // MARK: Detection

    private func detectJob(_ source: TaskData, _ session: CommandSession) throws -> EvaluationJob {
        let dataset = try source.detection()
        let loaded = try checkpoint.map(DetectionModel.load)
        var entries: [(String, String)] = []
        if let model = loaded?.model {
            let architecture = model.architecture(shownAt: size)
            try model.backbone.demand(side: architecture.size)
            entries = [
                ("input", architecture.inputWords),
                ("resize filter", "bilinear-antialiased"), ("test-time augmentation", "none"),
                (
                    "detections",
                    "score above \(architecture.scoreThreshold), overlap \(architecture.detectionOverlap), "
                        + "at most \(architecture.detectionLimit) a picture from \(architecture.proposals) proposals"
                ),
            ]
        }
        entries.append(("scoring", "COCO, limits 1, 10, 100, IoU 0.50 to 0.95"))
        entries.append(("absent classes", "left out of AP"))
        return EvaluationJob(
            notes: TrainingNotes(loaded?.metadata ?? [:]),
            model: loaded.map { $0.model.backbone.words + ", mask r-cnn" } ?? "predictions",
            summary: try source.summary(dataset, listed: try source.detection(all: true).count),
            imageNames: (0..<dataset.count).map(dataset.name), workload: dataset.count,
            predictionName: "predictions.json", protocolEntries: entries,
            predict: { target, kept, onImage, shouldStop in
                guard let model = loaded?.model else { return nil }
                try DetectionInference(size: size).predict(
                    model, dataset: dataset, to: target, onImage: onImage, shouldStop: shouldStop,
                    group: session.group, kept: kept)
                return nil
            },
            costs: {
                guard let model = loaded?.model else { return [] }
                let side = model.architecture(shownAt: size).size
                return costs(model.backbone.plain?.configuration, side: side) + [
                    .measure(model, network: "detection model", imageSize: side) { images in
                        let frame = PictureFrame(ImageSize(height: side, width: side))
                        _ = model.predict(images, frames: Array(repeating: frame, count: images.shape[0]))
                    }
                ]
            },
            score: { try detectionScores($0, dataset, source, in: $1, session) })
    }

    /// - Parameter truthName: where the run keeps the truth of a part of the split's pictures.
    func detectionScores(
        _ target: String, _ dataset: DetectionDataset, _ source: TaskData, in run: RunFolder,
        truthName: String = "truth.json", _ session: CommandSession
    ) throws -> EvaluationJob.Scores {
        var truth = dataset.annotationFile
        if source.imageList != nil {
            truth = try run.file(truthName)
            try DetectionTruth.restrict(dataset, to: truth)
            run.note(truthName)
        }
        return try DetectionTruth.scores(
            gt: truth, dt: target,
            names: Dictionary(
                (0..<dataset.count).map { (dataset.imageID(at: $0), dataset.name(at: $0)) },
                uniquingKeysWith: { first, _ in first }),
            bootstrap: bootstrap(session))
    }

    // MARK: Classification

    private func classifyJob(_ source: TaskData, _ session: CommandSession) throws -> EvaluationJob {
        let dataset = try source.classification()
        let loaded = try checkpoint.map(ClassificationModel.load)
        var entries: [(String, String)] = [("test-time augmentation", "none")]
        if let model = loaded?.model {
            let side = size ?? model.architecture.size
            try model.backbone.demand(side: side)
            entries.append(("input", "short side \(side), middle square"))
            entries.append(("resize filter", "bicubic-antialiased"))
        }
        return EvaluationJob(
            notes: TrainingNotes(loaded?.metadata ?? [:]),
            model: loaded.map { $0.model.backbone.words + ", linear" } ?? "predictions",
            summary: try source.summary(dataset, listed: try source.classification(all: true).count),
            imageNames: (0..<dataset.count).map(dataset.name), workload: dataset.count,
            predictionName: "predictions.tsv", protocolEntries: entries,
            predict: { target, kept, onImage, shouldStop in
                guard let model = loaded?.model else { return nil }
                let rankings = try ClassificationInference(size: size).predict(
                    model, dataset: dataset, onImage: onImage, shouldStop: shouldStop, group: session.group,
                    kept: kept)
                if session.group.isLeader { try ClassPredictions.write(rankings, of: dataset, to: target) }
                return nil
            },
            costs: { costs(loaded?.model.backbone.configuration, side: size ?? loaded?.model.architecture.size ?? 0) },
            score: { target, _ in try ClassPredictions.scores(target, dataset, metric: "top1") })
    }
}
