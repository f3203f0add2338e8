import DenseData
import Determinism
import Foundation
import JSONText
import Reporting
import SafeFiles

/// `dmt eval`: a checkpoint or a file of predictions becomes numbers with a complete run record.
///
/// Predictions are written first; the numbers come from the files alone.
public struct HeadEvaluation: Sendable {
    public var task: EvaluationTask
    /// A `dataset.yaml` or its folder.
    public var data: String
    /// Needed unless predictions are given.
    public var checkpoint: String?
    /// Whose checkpoint it is, for probes of published encoders; nil for files of this program.
    public var source: FeatureInspection.Source?
    public var split = "val"
    public var imageList: String?
    /// Writes predictions and stops: no numbers, no record.
    public var predictsOnly = false
    /// Scores these predictions; no model runs.
    public var predictions: String?
    public var out: String?
    /// Goes on with the unfinished evaluation in `out`, or begins it.
    public var resumes = false
    /// The row of a table; the checkpoint's own word unless given.
    public var arm: String?
    public var commandLine: [String] = []

    /// The short side (segmentation, detection with a short side of its own) or side pictures are shown at; the checkpoint's
    /// own unless given.
    public var size: Int?
    /// The short side that label maps and predictions are brought to before they are counted; their own unless given.
    public var labelSize: Int?
    /// Windows of a segmentation's pictures; whole pictures unless given.
    public private(set) var windows: WindowGrid?
    /// Views of a segmentation's pictures; one of each unless given.
    public var augmentation: SegmentationAugmentation?
    /// The split that neighbours and probes learn from.
    public var trainSplit = "train"
    public var probe = ProbeOptions()
    /// Whether charts and pictures of the predictions go into the report and below `plots`.
    public var makesPlots = true
    /// Draws of the bootstrap over images.
    public var bootstrapDraws = 1000

    public init(task: EvaluationTask, data: String) {
        self.task = task
        self.data = data
    }

    /// Cuts pictures into windows of `crop` pixels every `stride` pixels.
    ///
    /// - Precondition: `1 ≤ stride ≤ crop`.
    public mutating func windows(of crop: Int, stride: Int) { windows = WindowGrid(crop: crop, stride: stride) }

    /// Predicts, scores and reports into a run folder.
    ///
    /// - Returns: the document of `--json`: the record, or with `predictsOnly` where the predictions are; null on ranks that
    ///   follow.
    /// - Throws: `Interruption`, the pictures predicted so far being kept; everything that checkpoints, data and files throw.
    public func run(_ session: CommandSession) throws -> JSONValue {
        try check()
        let source = try TaskData(
            data, section: section, split: split, listFile: imageList, keepsPictures: false)
        // Before the folder: a checkpoint or data set that cannot be opened leaves no run behind.
        let job = try job(source, session)
        let folder = try session.runFolder {
            try RunFolder(
                out.map { .exactly($0, resumes: resumes) } ?? .fresh(in: "runs"), recipe: try options(session),
                commandLine: commandLine)
        }
        session.listenForInterrupts()
        let document = try session.tracking(folder) {
            do {
                return try evaluate(job, source, folder, session)
            } catch let stop as TrainingInterrupted {
                throw Interruption(
                    signal: session.interrupt.signalNumber ?? 2,
                    advice: "\(stop.completedSteps) pictures were done; no number was made from them",
                    command: folder?.resumeCommand)
            }
        }
        session.name(files: folder?.filesWritten ?? [])
        return document
    }

    private func check() throws(DataError) {
        func refuse(_ expected: String, _ found: String) -> DataError {
            DataError(
                .configuration, file: "options", expected: expected, found: found, remedy: "see dmt eval --help")
        }
        guard (checkpoint == nil) != (predictions == nil) else {
            throw refuse(
                "--checkpoint FILE or --from-predictions PATH", checkpoint == nil ? "neither" : "both")
        }
        guard !(predictsOnly && predictions != nil) else {
            throw refuse("--predict-only or --from-predictions", "both")
        }
        guard (size ?? 8) >= 0, bootstrapDraws == 0 || bootstrapDraws >= 100 else {
            throw refuse("0 or at least 100 bootstrap draws", "\(bootstrapDraws)")
        }
        try probe.check(task)
        guard labelSize == nil || [.segment, .linear, .denseKNN].contains(task) else {
            throw refuse("--label-size with segment, dense-knn or linear", task.rawValue)
        }
        guard source == nil || [.knn, .linear, .denseKNN].contains(task) else {
            throw refuse("--source with knn, dense-knn or linear", task.rawValue)
        }
    }

    /// The section of the data set: `linear` looks at patches or at whole pictures as its protocol wants.
    var section: String {
        probe.protocolName.flatMap(ProbeProtocol.init)?.isOfPictures == true && task == .linear
            ? HeadTask.classify.section : task.section
    }

    private func evaluate(
        _ job: EvaluationJob, _ source: TaskData, _ folder: RunFolder?, _ session: CommandSession
    ) throws -> JSONValue {
        let clock = ContinuousClock()
        let start = clock.now
        let notes = job.notes
        let target: String
        var learned: EvaluationJob.Learned?
        let digest =
            try folder == nil
            ? nil
            : checkpoint.map { file in
                FileDigest(name: Folder.name(of: file), sha256: try CheckpointFile.hash(file))
            }
        let kept = try folder.flatMap { try keptBatches(job, digest, $0, session) }
        if let predictions {
            target = predictions
        } else {
            target = try folder?.file(job.predictionName) ?? ""
            let progress = session.progress("predict", total: job.workload, unit: "image")
            learned = try job.predict(target, kept, { progress.advance(by: $0 - progress.done) }) {
                session.isAskedToStop()
            }
            progress.finish()
            folder?.note(job.predictionName)
        }
        // The leader has all predictions: it scores them and writes the record.
        guard let folder else { return .null }
        let predicted = clock.now
        if predictsOnly {
            kept?.remove()
            return .object([
                ("schema_version", .int(1)), ("run", .string(folder.path)), ("predictions", .string(target)),
                ("images", .int(Int64(job.summary.scoredImages))), ("coverage", .string(job.summary.coverage)),
            ])
        }
        let scores = try job.score(target, folder)
        let scored = clock.now

        var draft = RunRecord.Draft()
        draft.task = "\(task.rawValue).\(source.name)"
        draft.taskVersion = 1
        draft.toolVersion = BuildInfo.version
        draft.commandLine = commandLine.isEmpty ? ["dmt", "eval", task.rawValue] : commandLine
        draft.model = job.model
        draft.arm = arm ?? (notes.arm.isEmpty ? checkpoint.map(HeadTraining.stem) ?? "predictions" : notes.arm)
        draft.checkpoint = digest
        draft.dataset = job.summary
        draft.settings =
            try options(session).settings
            + notes.settings.map {
                ResolvedSetting(key: "training.\($0.key)", value: $0.value, origin: $0.origin)
            }
        draft.seed = notes.seed
        draft.selectionRule =
            checkpoint == nil
            ? "predictions as given"
            : learned.map(\.selection.rule) ?? (notes.selection.isEmpty ? "last step" : notes.selection)
        draft.protocolFingerprint = fingerprint(job, source, learned)
        if let learned, !learned.selection.trials.isEmpty {
            try folder.write(CSVRenderer().render(learned.selection.table), to: "selection.csv")
        }
        draft.metrics = scores.metrics
        draft.classTable = scores.classTable
        draft.warnings = scores.warnings + coverageWarnings(job.summary) + selectionWarnings(notes, job.summary)
        draft.timings = [
            PhaseTiming(phase: "predict", seconds: Self.seconds(predicted - start)),
            PhaseTiming(phase: "score", seconds: Self.seconds(scored - predicted)),
        ]
        draft.efficiency = job.costs()
        draft.environment = EnvironmentReport.current().facts + MemoryUse.peak.facts
        let record = try RunRecord(draft)
        let page = try page(job, target, source, session)
        // The record comes last: where it is, the rest is.
        try scores.evidence.write(to: try folder.file(RunEvidence.fileName))
        folder.note(RunEvidence.fileName)
        try folder.write(scores.evidence.imageCSV, to: "per_image.csv")
        try write(record, to: folder)
        try write(Report(run: record), page, to: folder)
        kept?.remove()
        return record.json()
    }

    /// Where the batches of a network with a head are kept; nil for probes and for predictions as given.
    private func keptBatches(
        _ job: EvaluationJob, _ checkpoint: FileDigest?, _ folder: RunFolder, _ session: CommandSession
    ) throws -> KeptBatches? {
        guard let checkpoint, [.segment, .detect, .classify].contains(task) else { return nil }
        let kept = try KeptBatches(
            folder,
            identity: TrainingIdentity(
                recipe: try options(session).hash, seed: session.seed, data: job.summary.contentHash,
                checkpoints: [(checkpoint.name, checkpoint.sha256)]))
        if kept.count > 0 { session.note("going on after \(kept.count) batches of pictures") }
        return kept
    }

    private func write(_ record: RunRecord, to folder: RunFolder) throws {
        try record.write(to: try folder.file("run.json"))
        folder.note("run.json")
        if let table = record.fields.classTable { try folder.write(CSVRenderer().render(table), to: "per_class.csv") }
    }

    private func write(_ report: Report, _ page: InspectionPage?, to folder: RunFolder) throws {
        try folder.write(MarkdownRenderer().render(report), to: "report.md")
        try folder.write(JSONRenderer().render(report), to: "report.json")
        try folder.write(Self.html(report, page), to: "report.html")
        guard let page, try !page.write(to: folder.path, only: "plots/").isEmpty else { return }
        folder.note("plots")
    }

    /// Every choice that changes a number without being the model.
    private func fingerprint(
        _ job: EvaluationJob, _ source: TaskData, _ learned: EvaluationJob.Learned?
    ) -> ProtocolFingerprint {
        var fingerprint = ProtocolFingerprint()
        if let learned { fingerprint.set("head", learned.head) }
        for (key, value) in job.protocolEntries + job.notes.protocolEntries where fingerprint[key] == nil {
            fingerprint.set(key, value)
        }
        if !job.notes.trainingData.isEmpty { fingerprint.set("training data", job.notes.trainingData) }
        if let imageList = source.imageList {
            var hash = SHA256()
            for name in job.imageNames { hash.update("\(name)\n") }
            fingerprint.set("image list", "\(job.summary.coverage), \(Folder.name(of: imageList.file)) \(hash.hex())")
        }
        return fingerprint
    }

    /// A checkpoint that was chosen on the split it is measured on looks better there than it is.
    private func selectionWarnings(_ notes: TrainingNotes, _ summary: DatasetSummary) -> [RunWarning] {
        guard notes.selection.contains(" on \(summary.name) \(summary.split),") else { return [] }
        return [
            RunWarning(
                code: "selection_on_reported_split",
                message: "the checkpoint was chosen by its score on these pictures: the score is too good")
        ]
    }

    private func coverageWarnings(_ summary: DatasetSummary) -> [RunWarning] {
        summary.scoredImages == summary.listedImages
            ? []
            : [
                RunWarning(
                    code: "image_list", message: "scored on \(summary.coverage): not comparable with the whole split")
            ]
    }

    /// The options in effect as a recipe of their own: what run folders and records list.
    func options(_ session: CommandSession) throws(DataError) -> Recipe {
        var pairs: [(String, String)] = [("task", task.rawValue), ("split", split)]
        pairs.append(("checkpoint", checkpoint.map { Folder.name(of: $0) } ?? "none"))
        if let source { pairs.append(("source", source.rawValue)) }
        pairs.append(("image_list", imageList.map { Folder.name(of: $0) } ?? "none"))
        pairs.append(("size", size.map { "\($0)" } ?? "the checkpoint's"))
        if let labelSize { pairs.append(("label_size", "\(labelSize)")) }
        if let windows { pairs += [("window", "\(windows.crop)"), ("stride", "\(windows.stride)")] }
        if let augmentation { pairs.append(("augmentation", augmentation.words)) }
        pairs.append(("bootstrap_draws", "\(bootstrapDraws)"))
        pairs.append(("bootstrap_seed", "\(session.seed)"))
        if [.knn, .linear, .denseKNN].contains(task) { pairs += [("train_split", trainSplit)] + probe.settings }
        let nodes = pairs.map { key, value in
            (key: key, value: RecipeNode(.scalar(value, isQuoted: false), origin: .commandLine))
        }
        return try Recipe(
            name: "eval-\(task.rawValue)", file: "command line", root: RecipeNode(.map(nodes), origin: .commandLine))
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}

extension HeadEvaluation {
    /// What people read: a table of the record's metrics, or where the predictions are.
    public static func text(of document: JSONValue) throws -> String {
        if let path = document["predictions"]?.string { return path + "\n" }
        let record = try RunRecord(json: document)
        let f = record.fields
        let report = Report(
            title: "\(f.arm) on \(f.task)",
            introduction: ["\(f.model), \(f.dataset.coverage)."]
                + (f.protocolFingerprint["probe"] == nil
                    ? []
                    : ["probe", "head", "layers used", "input", "training views"]
                        .compactMap { key in f.protocolFingerprint[key].map { "\(key): \($0)" } }
                        + ["settings: \(f.selectionRule)"]),
            sections: [ReportSection(heading: "Results", blocks: [.table(Report.metricTable(f.metrics))])])
        return TerminalRenderer().render(report)
    }
}
