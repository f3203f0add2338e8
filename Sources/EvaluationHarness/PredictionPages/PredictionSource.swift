import JSONText
import Reporting
import SafeFiles

/// Where predictions and their truth lie.
struct PredictionSource {
    enum Kind: String {
        case detection, segmentation, classification
    }

    var kind: Kind
    /// A `dataset.yaml` or its folder, and the split.
    var data: String
    var split: String
    var imageList: String?
    /// A results file, a folder of label maps, or a list of classes.
    var predictions: String

    /// What a run folder of `dmt eval` holds: predictions by their names, data and split from its record.
    ///
    /// - Parameters:
    ///   - data: in place of what the run's command line says.
    /// - Throws: `.missing` where the folder holds no predictions, or the data are not where the run found them.
    init(run folder: String, data: String?, imageList: String?) throws(DataError) {
        let record = try RunRecord.load("\(folder)/run.json").fields
        let given = Self.option("--from-predictions", record.commandLine)
        let candidates: [(String, Kind)] = [
            ("\(folder)/predictions.json", .detection), ("\(folder)/predictions", .segmentation),
            ("\(folder)/predictions.tsv", .classification),
        ]
        if let found = candidates.first(where: { FileBytes.exists($0.0) || Folder.exists($0.0) }) {
            (predictions, kind) = found
        } else if let given, let kind = Self.kind(ofTask: record.task, given) {
            (predictions, self.kind) = (given, kind)
        } else {
            throw DataError(
                .missing, file: folder, expected: "predictions.json, predictions or predictions.tsv", found: "none",
                remedy: "give a run folder of dmt eval, or --predictions and --task")
        }
        let named = data ?? Self.option("--data", record.commandLine)
        guard let named, FileBytes.exists(named) || Folder.exists(named) else {
            throw DataError(
                .missing, file: "\(folder)/run.json", expected: "the data set that the run was scored on",
                found: named.map { "nothing at \($0)" } ?? "no --data on its command line",
                remedy: "add --data with the data set's folder")
        }
        self.data = named
        split = record.dataset.split
        self.imageList = imageList ?? Self.option("--image-list", record.commandLine)
        guard self.imageList != nil || record.dataset.scoredImages == record.dataset.listedImages else {
            throw DataError(
                .missing, file: "\(folder)/run.json",
                expected: "the list of the \(record.dataset.scoredImages) pictures that were scored",
                found: "none on its command line", remedy: "add --image-list FILE")
        }
    }

    init(kind: Kind, data: String, split: String, imageList: String?, predictions: String) {
        self.kind = kind
        self.data = data
        self.split = split
        self.imageList = imageList
        self.predictions = predictions
    }

    private static func kind(ofTask task: String, _ predictions: String) -> Kind? {
        switch EvaluationTask(rawValue: String(task.prefix { $0 != "." })) {
        case .detect: .detection
        case .segment, .denseKNN: .segmentation
        case .classify, .knn: .classification
        case .linear: Folder.exists(predictions) ? .segmentation : .classification
        case nil: nil
        }
    }

    /// The value of an option on a command line, written `--name value` or `--name=value`.
    static func option(_ name: String, _ arguments: [String]) -> String? {
        for (index, argument) in arguments.enumerated() {
            if argument == name, index + 1 < arguments.count { return arguments[index + 1] }
            if argument.hasPrefix(name + "=") { return String(argument.dropFirst(name.count + 1)) }
        }
        return nil
    }
}
