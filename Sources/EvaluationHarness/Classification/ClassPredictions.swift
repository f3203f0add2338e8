import DenseData
import DenseMetrics
import Reporting
import SafeFiles

/// Predicted classes on disk: one line a picture, its name and the class's name with a tab between; an empty class
/// where
/// none was chosen.
enum ClassPredictions {
    static func write(_ labels: [Int?], of dataset: any ClassificationLoader, to file: String) throws(DataError) {
        precondition(labels.count == dataset.count, "\(labels.count) predictions for \(dataset.count) pictures")
        let classes = dataset.info.classes
        var text = ""
        for (index, label) in labels.enumerated() {
            text += dataset.name(at: index) + "\t" + (label.map { classes[$0] } ?? "") + "\n"
        }
        try AtomicFile.write(text, to: file)
    }

    /// Top-1 accuracy and the accuracy of each class.
    ///
    /// - Throws: `.malformed` for a line that names no class, and where pictures are missing, unknown or named twice.
    static func scores(
        _ file: String, _ dataset: any ClassificationLoader, metric: String
    ) throws(DataError) -> EvaluationJob.Scores {
        let predictions = try read(file, dataset)
        let labels = (0..<dataset.count).map(dataset.label)
        let classes = dataset.info.classes
        var (counts, correct) = ([Int](repeating: 0, count: classes.count), [Int](repeating: 0, count: classes.count))
        for (label, prediction) in zip(labels, predictions) {
            counts[label] += 1
            if label == prediction { correct[label] += 1 }
        }
        let evidence = ClassificationEvidence(
            metric: metric, classCount: classes.count, labels: labels, predictions: predictions)
        let rows = classes.indices.map { k in
            ClassTable.Row(
                name: classes[k],
                values: [counts[k] == 0 ? nil : Double(correct[k]) / Double(counts[k]), Double(counts[k])])
        }
        return EvaluationJob.Scores(
            metrics: evidence.metrics(bootstrap: nil),
            classTable: ClassTable(columns: ["accuracy", "pictures"], rows: rows), warnings: [],
            evidence: RunEvidence(images: (0..<dataset.count).map(dataset.name), classes: classes, evidence))
    }

    private static func read(_ file: String, _ dataset: any ClassificationLoader) throws(DataError) -> [Int?] {
        func refuse(_ record: String?, _ expected: String, _ found: String) -> DataError {
            DataError(
                .malformed, file: file, record: record, expected: expected, found: found,
                remedy: "predict every picture of the split once")
        }
        let bytes = try FileBytes.read(file, limit: 1 << 32)
        let places = Dictionary(
            (0..<dataset.count).map { (dataset.name(at: $0), $0) }, uniquingKeysWith: { first, _ in first })
        let classes = Dictionary(
            dataset.info.classes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var result = [Int??](repeating: nil, count: dataset.count)
        for (number, line) in String(decoding: bytes, as: UTF8.self).split(separator: "\n").enumerated() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 2, let place = places[fields[0]] else {
                throw refuse("line \(number + 1)", "a picture of the split, a tab and a class", "'\(line)'")
            }
            guard result[place] == nil else { throw refuse("line \(number + 1)", "each picture once", fields[0]) }
            guard fields[1].isEmpty || classes[fields[1]] != nil else {
                throw refuse("line \(number + 1)", "one of \(classes.count) classes", "'\(fields[1])'")
            }
            result[place] = .some(classes[fields[1]])
        }
        let missing = result.count { $0 == nil }
        guard missing == 0 else { throw refuse(nil, "\(dataset.count) pictures", "\(missing) missing") }
        return result.map { $0! }
    }
}
