import Reporting
import SafeFiles

extension CocoScore {
    /// Writes what was asked for.
    ///
    /// - Parameters:
    ///   - folder: made if it is not there; gets everything that was computed.
    ///   - curves: a file for the curves of precision over recall.
    /// - Returns: the path of every file written.
    public func write(folder: String?, curves path: String?) throws -> [String] {
        var written: [String] = []
        func write(_ text: String, _ path: String) throws {
            try AtomicFile.write(text, to: path)
            written.append(path)
        }
        let curveText = curves.map { $0.json(names).text() + "\n" }
        if let path, let curveText { try write(curveText, path) }
        guard let folder else { return written }
        try Folder.create(folder)
        try write(jsonText + "\n", folder + "/score.json")
        try write(lines.joined(separator: "\n") + "\n", folder + "/summary.txt")
        if !perClass.isEmpty { try write(classTable, folder + "/per_class.csv") }
        if let curveText { try write(curveText, folder + "/pr_curves.json") }
        if let confusion { try write(confusion.csv(names), folder + "/confusion.csv") }
        return written
    }

    /// One line a class, empty cells where a number is undefined.
    private var classTable: String {
        let head = ["category_id", "name"] + (perClass.first?.map(\.name) ?? [])
        let rows = zip(matches.categoryIDs, perClass).map { id, metrics in
            ["\(id)", name(id)] + metrics.map { $0.value.map { "\($0)" } ?? "" }
        }
        return CSVText.text([head] + rows)
    }
}
