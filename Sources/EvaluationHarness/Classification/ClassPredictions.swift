import DenseData
import DenseMetrics
import Reporting
import SafeFiles

/// Predicted classes on disk: one line a picture, its name and up to five classes' names, the likeliest first, with tabs
/// between; no class where none was chosen.
enum ClassPredictions {
    static func write(_ rankings: [[Int]], of dataset: any ClassificationLoader, to file: String) throws(DataError) {
        precondition(rankings.count == dataset.count, "\(rankings.count) predictions for \(dataset.count) pictures")
        let classes = dataset.info.classes
        var text = ""
        for (index, ranking) in rankings.enumerated() {
            text += dataset.name(at: index) + "\t" + ranking.map { classes[$0] }.joined(separator: "\t") + "\n"
        }
        try AtomicFile.write(text, to: file)
    }

    /// Top-1 accuracy, top-5 where there are more than five classes, and the accuracy of each class.
    ///
    /// - Parameter metric: the name of top-1; that of top-5 has a 5 in place of its 1.
    /// - Throws: `.malformed` for a line that names no class, and where pictures are missing, unknown or named twice.
    static func scores(
        _ file: String, _ dataset: any ClassificationLoader, metric: String
    ) throws(DataError) -> EvaluationJob.Scores {
        let predictions = try read(file, dataset)
        let labels = (0..<dataset.count).map(dataset.label)
        let classes = dataset.info.classes
        var (counts, correct) = ([Int](repeating: 0, count: classes.count), [Int](repeating: 0, count: classes.count))
        for (label, ranking) in zip(labels, predictions) {
            counts[label] += 1
            if label == ranking.first { correct[label] += 1 }
        }
        let evidence = ClassificationEvidence(
            metric: metric, classCount: classes.count, labels: labels, rankings: predictions)
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

    /// The predicted classes in the data set's order, the likeliest first.
    static func read(_ file: String, _ dataset: any ClassificationLoader) throws(DataError) -> [[Int]] {
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
        var result = [[Int]?](repeating: nil, count: dataset.count)
        for (number, line) in String(decoding: bytes, as: UTF8.self).split(separator: "\n").enumerated() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count >= 2, fields.count <= 1 + TopAccuracy.kept, let place = places[fields[0]] else {
                throw refuse(
                    "line \(number + 1)", "a picture of the split and one to \(TopAccuracy.kept) classes, tabs between",
                    "'\(line)'")
            }
            guard result[place] == nil else { throw refuse("line \(number + 1)", "each picture once", fields[0]) }
            let names = fields.count == 2 && fields[1].isEmpty ? [] : fields.dropFirst()
            let ranking = names.compactMap { classes[$0] }
            guard ranking.count == names.count, Set(ranking).count == ranking.count else {
                throw refuse(
                    "line \(number + 1)", "names among \(classes.count) classes, each once",
                    "'\(names.joined(separator: "', '"))'")
            }
            result[place] = ranking
        }
        let missing = result.count { $0 == nil }
        guard missing == 0 else { throw refuse(nil, "\(dataset.count) pictures", "\(missing) missing") }
        return result.map { $0! }
    }
}
