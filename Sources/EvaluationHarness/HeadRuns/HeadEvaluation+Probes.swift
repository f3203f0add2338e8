import DenseData
import SafeFiles
import VisionBackbones

extension HeadEvaluation {
    /// A probe of frozen features, of patches or of pictures as its protocol wants.
    func probeJob(_ source: TaskData, _ session: CommandSession) throws -> EvaluationJob {
        let kind = try ProbeProtocol.named(probe.protocolName, of: task)
        return kind.isOfPictures
            ? try classProbeJob(source, session, kind) : try patchProbeJob(source, session, kind)
    }

    private func frozenBackbone() throws(DataError) -> VisionTransformer? {
        try checkpoint.map { path throws(DataError) in try CheckpointFile.loadBackbone(path, source: source) }
    }

    /// What tells one frozen network from another where features are kept: the file's hash, and whose rules it was read by.
    private func checkpointWords() throws(DataError) -> String {
        guard let checkpoint, probe.featureFolder != nil else { return "" }
        return try CheckpointFile.hash(checkpoint) + (source.map { " as \($0.rawValue)" } ?? "")
    }

    // MARK: Patches

    private func patchProbeJob(
        _ source: TaskData, _ session: CommandSession, _ kind: ProbeProtocol
    ) throws -> EvaluationJob {
        let dataset = try source.segmentation()
        let backbone = try frozenBackbone()
        let train = try TaskData(data, section: section, split: trainSplit, listFile: nil).segmentation()
        let run = SegmentationProbeRun(
            kind: kind, options: probe, side: size ?? backbone?.configuration.imageSize ?? 0, seed: session.seed,
            checkpointWords: try checkpointWords())
        let entries = probeEntries(
            kind, run.views, input: "squeezed to \(run.side)x\(run.side)",
            layers: try backbone.map { try kind.request(depth: $0.depth, layers: probe.layers).words(depth: $0.depth) },
            train: "\(source.name) \(trainSplit), \(train.count) images, \(try train.contentHash())",
            candidates: kind.candidates(probe, pictures: train.count, seed: session.seed).count)
        return EvaluationJob(
            notes: TrainingNotes(), model: modelWords(backbone, kind, side: run.side),
            summary: try source.summary(dataset, listed: try source.segmentation(all: true).count),
            imageNames: (0..<dataset.count).map(dataset.name),
            workload: train.count * run.views.perPicture + dataset.count, predictionName: "predictions",
            protocolEntries: entries + segmentationEntries(dataset),
            predict: { target, _, onImage, shouldStop in
                guard let backbone else { return nil }
                let (selection, words) = try run.predict(
                    backbone, train: train, dataset: dataset, to: target, onImage: onImage, shouldStop: shouldStop)
                return EvaluationJob.Learned(selection: selection, head: words)
            },
            costs: { costs(backbone?.configuration, side: run.side) },
            score: { target, _ in
                var scores = try segmentationScores(target, dataset, source, session)
                if let backbone {
                    let patches = run.side / backbone.patchSize
                    scores = scores.with(
                        oracle: try PatchOracle.evaluation(dataset, grid: (patches, patches)), bootstrap(session))
                }
                return scores
            })
    }

    // MARK: Pictures

    func classProbeJob(
        _ source: TaskData, _ session: CommandSession, _ kind: ProbeProtocol
    ) throws -> EvaluationJob {
        let dataset = try source.classification()
        let backbone = try frozenBackbone()
        let train = try TaskData(data, section: section, split: trainSplit, listFile: nil).classification()
        let feature = probe.feature ?? kind.feature(width: backbone?.width ?? 0)
        let run = ClassProbeRun(
            candidates: kind.classCandidates(probe, seed: session.seed), feature: feature, options: probe,
            side: size ?? backbone?.configuration.imageSize ?? 0, seed: session.seed,
            checkpointWords: try checkpointWords())
        let entries = probeEntries(
            kind, run.views, input: "short side \(run.side), middle square",
            layers: backbone.map { feature.request(depth: $0.depth).words(depth: $0.depth) },
            train: "\(source.name) \(trainSplit), \(train.count) images, \(try train.contentHash())",
            candidates: run.candidates.count)
        return EvaluationJob(
            notes: TrainingNotes(), model: modelWords(backbone, kind, side: run.side),
            summary: try source.summary(dataset, listed: try source.classification(all: true).count),
            imageNames: (0..<dataset.count).map(dataset.name),
            workload: train.count * run.views.perPicture + dataset.count, predictionName: "predictions.tsv",
            protocolEntries: entries,
            predict: { target, _, onImage, shouldStop in
                guard let backbone else { return nil }
                let (rankings, selection, words) = try run.predict(
                    backbone, train: train, dataset: dataset, onImage: onImage, shouldStop: shouldStop)
                try ClassPredictions.write(rankings, of: dataset, to: target)
                return EvaluationJob.Learned(selection: selection, head: words)
            },
            costs: { costs(backbone?.configuration, side: run.side) },
            score: { target, _ in
                try ClassPredictions.scores(target, dataset, metric: task == .knn ? "knn_top1" : "linear_top1")
            })
    }

    /// The network, whose checkpoint it was read as, and how its positions were brought to the pictures' size.
    private func modelWords(_ backbone: VisionTransformer?, _ kind: ProbeProtocol, side: Int) -> String {
        guard let backbone else { return "predictions" }
        return [
            "\(backbone.words), \(kind.rawValue) probe", source.map { "read as \($0.rawValue)" },
            backbone.positionResizeWords(side: side).map { "positions \($0)" },
        ].compactMap(\.self).joined(separator: ", ")
    }

    private func probeEntries(
        _ kind: ProbeProtocol, _ views: ProbeViews, input: String, layers: String?, train: String,
        candidates: Int
    ) -> [(String, String)] {
        [
            ("input", input), ("resize filter", kind.filter.rawValue),
            ("probe", "\(kind.rawValue): \(kind.source)"), ("training views", views.words),
            ("training data", train), ("test-time augmentation", "none"),
            (
                "selection",
                candidates == 1
                    ? "none"
                    : "best of \(candidates) on \(probe.heldOutShare) of the training pictures, then refitted on all"
            ),
        ] + (layers.map { [("layers used", $0)] } ?? [])
    }
}
