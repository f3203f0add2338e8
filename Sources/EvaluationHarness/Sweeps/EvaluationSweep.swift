import Foundation
import Reporting
import SafeFiles

/// Evaluations that differ in a few options: each a run of its own, and a table and a plot of what the numbers depend on.
public struct EvaluationSweep {
    /// An option and the values it takes.
    public struct Axis: Sendable, Equatable {
        public var option: String
        public var values: [String]

        public init(option: String, values: [String]) {
            self.option = option
            self.values = values
        }
    }

    /// One evaluation.
    public struct Point {
        /// One value an axis.
        public var values: [String]
        public var evaluation: HeadEvaluation
        public var seed: UInt64?

        public init(values: [String], evaluation: HeadEvaluation, seed: UInt64?) {
            self.values = values
            self.evaluation = evaluation
            self.seed = seed
        }
    }

    public let axes: [Axis]
    /// All combinations, the last axis fastest.
    public let points: [Point]
    /// The folder of the runs; `runs/<time>-<hash>-sweep-<task>` unless given.
    public var out: String?
    /// Whether points that are done in `out` are kept.
    public var resumes = false
    public var commandLine: [String] = []

    /// - Parameter point: the evaluation of one value an axis.
    public init(axes: [Axis], point: ([String]) throws -> Point) rethrows {
        precondition(!axes.isEmpty && axes.allSatisfy { !$0.values.isEmpty }, "a sweep over nothing")
        self.axes = axes
        points = try axes.reduce([[]]) { values, axis in values.flatMap { first in axis.values.map { first + [$0] } } }
            .map(point)
    }

    /// Evaluates every point, then writes `sweep.json`, `sweep.csv`, `sweep.md` and `sweep.html`.
    ///
    /// - Throws: what an evaluation throws; points before it stay, and a sweep with `resumes` goes on after them.
    public func run(_ session: CommandSession) throws -> SweepReport {
        let folder = try RunFolder(
            out.map { .exactly($0, resumes: resumes) } ?? .fresh(in: "runs"), recipe: try settings(),
            commandLine: commandLine)
        session.listenForInterrupts()
        let report = try session.tracking(folder) {
            var records: [RunRecord] = []
            for (index, point) in points.enumerated() {
                session.note("point \(index + 1) of \(points.count): \(words(point.values))")
                do {
                    records.append(try record(of: index, in: folder, session))
                } catch let stop as Interruption {
                    throw Interruption(
                        signal: stop.signal, advice: "\(index) of \(points.count) points are done",
                        command: folder.resumeCommand)
                }
            }
            let report = SweepReport(axes: axes, values: points.map(\.values), records: records)
            try report.write(folder)
            return report
        }
        session.name(files: folder.filesWritten)
        return report
    }

    /// "size 224, window 512".
    private func words(_ values: [String]) -> String {
        zip(axes, values).map { "\($0.option) \($1)" }.joined(separator: ", ")
    }

    private func record(of index: Int, in folder: RunFolder, _ session: CommandSession) throws -> RunRecord {
        let point = points[index]
        // The number keeps points apart whose values look alike in a file's name.
        let name =
            "points/\(index + 1)-"
            + zip(axes, point.values).map { RunFolder.slug("\($0.option)_\($1)") }.joined(separator: "-")
        var evaluation = point.evaluation
        evaluation.out = "\(folder.path)/\(name)"
        var options = session.options
        options.seed = point.seed
        // A terminal of its own: a point has its own log.
        var own = try CommandSession(
            options, terminal: Terminal(), output: session.output, interrupt: session.interrupt, group: session.group)
        own.namesFiles = false
        if resumes, let done = try evaluation.finishedRecord(own) { return done }
        if Folder.exists("\(folder.path)/\(name)") {
            try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
        }
        folder.note("\(name)/run.json")
        return try RunRecord(json: try evaluation.run(own))
    }

    /// What the folder and its name are made from: the axes. Each point's own options are compared where it is resumed.
    private func settings() throws(DataError) -> Recipe {
        let nodes = axes.map { axis in
            (
                key: axis.option,
                value: RecipeNode(.scalar(axis.values.joined(separator: ","), isQuoted: true), origin: .commandLine)
            )
        }
        return try Recipe(
            name: "sweep-\(points[0].evaluation.task.rawValue)", file: "command line",
            root: RecipeNode(.map(nodes), origin: .commandLine))
    }
}

extension HeadEvaluation {
    /// The record of a run of these options that came to its end in `out`; nil where there is none.
    func finishedRecord(_ session: CommandSession) throws -> RunRecord? {
        guard let out, try RunFolder.status(of: out) == .done,
            let hash = try? FileBytes.read("\(out)/config.sha256", limit: 256),
            String(decoding: hash, as: UTF8.self) == "\(try options(session).hash)\n",
            let record = try? RunRecord.load("\(out)/run.json")
        else { return nil }
        let file = try checkpoint.map(CheckpointFile.hash)
        return record.fields.checkpoint?.sha256 == file ? record : nil
    }

    /// Sides from half to twice the checkpoint's own, of whole patches: what shows a network that only works at the size it
    /// was trained at.
    ///
    /// - Throws: `.configuration` for a network without a size of its own.
    public func sizesAroundOwn() throws -> [Int] {
        var own = (side: 0, patch: 1)
        if let checkpoint {
            switch task {
            case .segment:
                let model = try SegmentationModel.load(checkpoint).model
                own = (model.architecture.shortSide, model.backbone.patchSize)
            case .detect:
                let model = try DetectionModel.load(checkpoint).model
                own = (model.architecture.testSides?.short ?? model.architecture.size, model.backbone.patchSize)
            case .classify:
                let model = try ClassificationModel.load(checkpoint).model
                own = (model.architecture.size, model.backbone.patchSize)
            case .knn, .linear, .denseKNN:
                let backbone = try CheckpointFile.loadBackbone(checkpoint, source: source)
                own = (backbone.configuration.imageSize, backbone.patchSize)
            }
        }
        guard own.side > 0 else {
            throw DataError(
                .configuration, file: "options", record: "sweep",
                expected: "a checkpoint with a picture size of its own",
                found: checkpoint == nil ? "predictions" : "one that takes pictures as they are",
                remedy: "name the sizes: --sweep size=256,512")
        }
        let sides = [0.5, 0.75, 1, 1.25, 1.5, 2].map { factor in
            max(1, Int((Double(own.side) * factor / Double(own.patch)).rounded())) * own.patch
        }
        return Set(sides).sorted()
    }
}
