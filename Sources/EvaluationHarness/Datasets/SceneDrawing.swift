import DenseData
import JSONText
import SafeFiles

/// `dmt data scenes`: draws a data set into a fresh folder.
public enum SceneDrawing {
    /// - Parameter folder: absent or empty.
    /// - Returns: the document of `--json`.
    /// - Throws: `.cannotWrite` for a folder that holds something; `.configuration` for counts out of range.
    public static func run(
        to folder: String, trainCount: Int, validationCount: Int, size: Int, session: CommandSession
    ) throws -> JSONValue {
        let options = try SceneDataset.Options(
            trainCount: trainCount, validationCount: validationCount, size: size, seed: session.seed)
        if Folder.exists(folder), let first = try Folder.entries(folder).first {
            throw DataError(
                .cannotWrite, file: folder, expected: "an absent or empty folder", found: "'\(first)' in it",
                remedy: "choose another --out")
        }
        let progress = session.progress("draw", total: trainCount + validationCount, unit: "scene")
        let summary = try SceneDataset.write(options, to: folder) { done, _ in
            progress.advance(by: done - progress.done)
        }
        progress.finish()
        func table(_ counts: [String: Int]) -> JSONValue {
            .object(counts.sorted { $0.key < $1.key }.map { ($0.key, .int(Int64($0.value))) })
        }
        return .object([
            ("schema_version", .int(1)), ("folder", .string(folder)), ("seed", .string("\(session.seed)")),
            ("size", .int(Int64(size))), ("images", table(summary.imageCount)),
            ("annotations", table(summary.annotationCount)), ("crops", table(summary.cropCount)),
        ])
    }
}
