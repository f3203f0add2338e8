import DenseData
import DenseMetrics
import JSONText
import Reporting
import SafeFiles

/// `dmt inspect predictions`: a page of pictures, curves and matrices of a run, or of predictions and their truth.
public struct PredictionInspection: Sendable {
    public typealias Overlap = CocoOverlap

    /// What is looked at.
    public enum Subject: Sendable, Equatable {
        /// A folder of `dmt eval`, or of a training: its curves.
        case run(String)
        /// Predictions for a data set of this program.
        case predictions(String, task: EvaluationTask)
        /// A COCO truth file, a results file and the folder of the pictures.
        case coco(truth: String, results: String, images: String)
    }

    public var subject: Subject
    /// A `dataset.yaml` or its folder; a run's own unless given.
    public var data: String?
    public var split = "val"
    public var imageList: String?
    /// What detections are compared by: boxes or masks.
    public var overlap = CocoOverlap.box
    public var iou = 0.5
    /// Score from which detections count; where the mean F1 is greatest unless given.
    public var score: Double?
    public var worst = 8
    public var best = 4
    /// The long side of pictures.
    public var side = 480
    /// Draws of the bootstrap for the error bars of classes; 0 for none.
    public var bootstrapDraws = 1000
    /// The page's folder.
    public var out: String

    public init(subject: Subject, out: String) {
        self.subject = subject
        self.out = out
    }

    /// Writes `index.html`, `plots/*.svg` with their `*.csv`, `pictures/*.png` and `images.csv`.
    ///
    /// - Returns: the document of `--json`.
    /// - Throws: `DataError` for runs, data, predictions and pictures that cannot be read or do not belong together.
    public func run(_ session: CommandSession) throws -> JSONValue {
        guard try !Folder.exists(out) || Folder.entries(out).isEmpty else {
            throw DataError(
                .cannotWrite, file: out, expected: "an empty or absent folder", found: "a folder with files",
                remedy: "choose another --out, or remove the folder")
        }
        var page = InspectionPage()
        let title: String
        switch subject {
        case .run(let folder):
            guard Folder.exists(folder) else {
                throw DataError(
                    .missing, file: folder, expected: "a run folder", found: "no folder", remedy: "check the path")
            }
            title = "Run \(Folder.name(of: folder))"
            let hasLog = FileBytes.exists("\(folder)/metrics.jsonl")
            if hasLog { try TrainingCurveCharts("\(folder)/metrics.jsonl").add(to: &page) }
            // A training holds no record; its curves are all there is to see.
            if !hasLog || FileBytes.exists("\(folder)/run.json") {
                try add(PredictionSource(run: folder, data: data, imageList: imageList), session, to: &page)
            }
        case .predictions(let path, let task):
            guard let data else {
                throw DataError(
                    .configuration, file: "options", expected: "--data with --predictions", found: "none",
                    remedy: "add --data FOLDER")
            }
            let kind: PredictionSource.Kind =
                switch task {
                case .detect: .detection
                case .classify, .knn: .classification
                case .segment, .linear, .denseKNN: .segmentation
                }
            title = "Predictions \(Folder.name(of: path))"
            try add(
                PredictionSource(kind: kind, data: data, split: split, imageList: imageList, predictions: path),
                session,
                to: &page)
        case .coco(let truth, let results, let images):
            title = "Predictions \(Folder.name(of: results))"
            let dataset = try DetectionDataset(
                name: Folder.name(of: truth), split: split, annotations: truth, images: images, allowsLinks: true,
                store: PictureStore(budget: 0))
            try illustration(session).add(dataset, results, to: &page)
        }
        let report = Report(title: title, introduction: page.introduction, sections: page.sections)
        try Folder.create(out)
        let html = HTMLRenderer().render(report)
        try AtomicFile.write(html, to: "\(out)/index.html")
        let files = try ["index.html"] + page.write(to: out)
        session.name(files: files.map { "\(out)/\($0)" })
        return .object([
            ("schema_version", .int(1)), ("out", .string(out)), ("title", .string(title)),
            ("figures", .object(page.figures.map { ($0.0, JSONValue(finite: $0.1)) })),
            ("files", .array(files.map { .string($0) })), ("page_bytes", .int(Int64(html.utf8.count))),
        ])
    }

    private func illustration(_ session: CommandSession) -> PredictionIllustration {
        PredictionIllustration(
            detection: .init(overlap: overlap, iou: iou, score: score),
            gallery: GalleryOptions(worst: worst, best: best, side: side),
            bootstrap: bootstrapDraws > 0 ? Bootstrap(drawCount: bootstrapDraws, seed: session.seed) : nil)
    }

    private func add(_ source: PredictionSource, _ session: CommandSession, to page: inout InspectionPage) throws {
        let section: HeadTask =
            switch source.kind {
            case .detection: .detect
            case .segmentation: .segment
            case .classification: .classify
            }
        let task = try TaskData(
            source.data, section: section.section, split: source.split, listFile: source.imageList)
        try illustration(session).add(source.kind, task, source.predictions, to: &page)
    }

    /// The page's key figures for people.
    public static func text(of document: JSONValue) -> String {
        var text = "\(document["out"]?.string ?? "")/index.html\n"
        for (name, value) in document["figures"]?.object ?? [] {
            text += "\(name): \(value.double.map { NumberText.fixed($0, digits: 4) } ?? "undefined")\n"
        }
        return text
    }
}
