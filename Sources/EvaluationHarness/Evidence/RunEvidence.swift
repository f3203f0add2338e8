import Determinism
import JSONText
import Reporting
import SafeFiles

/// The evidence of one run: its images, classes, and what was counted in every image.
///
///     evidence.safetensors   __metadata__: dmt.checksum, kind, schema_version, image_list_sha256, metric
///                            images, classes: JSON text; then the columns of its kind
public struct RunEvidence: Sendable {
    /// The name of the file in a run folder.
    public static let fileName = "evidence.safetensors"
    /// Version 1 had no checksum of the whole file.
    static let schemaVersion = "2"
    /// The kinds, by the name they have in a file.
    private static let kinds: [any ImageEvidence.Type] = [
        SegmentationEvidence.self, DetectionEvidence.self, ClassificationEvidence.self,
    ]

    /// In the order of all lists and weights.
    public let images: [String]
    public let classes: [String]
    let content: any ImageEvidence

    init(images: [String], classes: [String], _ content: any ImageEvidence) {
        self.images = images
        self.classes = classes
        self.content = content
    }

    var kind: EvidenceKind { type(of: content).kind }

    /// SHA-256 over the names of the images in order: equal for runs that can be paired.
    var imageListHash: String { Self.hash(images) }

    private static func hash(_ names: [String]) -> String {
        var hash = SHA256()
        for name in names { hash.update("\(name.utf8.count):\(name)\n") }
        return hash.hex()
    }

    // MARK: Files

    /// Writes the file; equal evidence gives equal bytes.
    func write(to path: String) throws(DataError) {
        let metric = (content as? ClassificationEvidence)?.metric ?? ""
        try EvidenceFile.write(
            [Self.text("images", images), Self.text("classes", classes)] + content.columns(),
            metadata: [
                "kind": kind.rawValue, "schema_version": Self.schemaVersion, "image_list_sha256": imageListHash,
                "metric": metric,
            ], to: path)
    }

    private static func text(_ name: String, _ names: [String]) -> EvidenceColumn {
        EvidenceColumn(name, Array(JSONValue.array(names.map { .string($0) }).text().utf8))
    }

    /// Reads a file that `write(to:)` wrote.
    ///
    /// - Throws: `.missing` where there is none; `.malformed` for bytes other than those written, another kind or version, a
    ///   tensor that is missing, left over or of another shape, and numbers that no run can have counted.
    public static func load(_ path: String) throws(DataError) -> RunEvidence {
        let file = try EvidenceFile(path)
        let version = try file.text("schema_version")
        guard ["1", schemaVersion].contains(version) else {
            throw file.refused("metadata 'schema_version'", "1 or \(schemaVersion)", "'\(version)'")
        }
        if version != "1" { try SealedFile.check(path) }
        let name = try file.text("kind")
        guard let kind = kinds.first(where: { $0.kind.rawValue == name }) else {
            throw file.refused(
                "metadata 'kind'", EvidenceKind.allCases.map(\.rawValue).joined(separator: ", "), "'\(name)'")
        }
        let shape = EvidenceShape(
            images: try file.names("images"), classes: try file.names("classes"), metric: file.optionalText("metric"))
        guard !shape.images.isEmpty, !shape.classes.isEmpty else {
            throw file.refused("images", "images and classes", "none")
        }
        guard try file.text("image_list_sha256") == hash(shape.images) else {
            throw file.refused("images", "the names that 'image_list_sha256' tells of", "other names")
        }
        let evidence = RunEvidence(
            images: shape.images, classes: shape.classes, try kind.init(file, shape))
        try file.assertAllRead()
        return evidence
    }

    /// Whether the numbers of a record come from this evidence: same number of images, same metrics, same values.
    ///
    /// - Throws: `.malformed` naming the first difference.
    public func check(against record: RunRecord, file: String) throws(DataError) {
        func refuse(_ expected: String, _ found: String) -> DataError {
            DataError(
                .malformed, file: file, expected: expected, found: found,
                remedy: "record and evidence are of different runs: evaluate again, or copy both files of one run")
        }
        let scored = record.fields.dataset.scoredImages
        guard images.count == scored else {
            throw refuse("evidence of \(scored) images, as the record", "\(images.count)")
        }
        for metric in content.metrics(bootstrap: nil) {
            guard let recorded = record.metric(metric.name) else {
                throw refuse("the record's metrics", "evidence of \(metric.name)")
            }
            guard recorded.value == metric.value else {
                let words = [recorded.value, metric.value].map { $0.map(NumberText.exact) ?? "undefined" }
                throw refuse("\(metric.name) \(words[0]), as the record", words[1])
            }
        }
    }

    // MARK: Tables

    /// `per_image.csv`: one line an image.
    var imageCSV: String {
        let table = content.imageTable()
        return CSVRenderer().render(
            ReportTable(
                columns: [.init("image")] + table.columns.map { .init($0.name) },
                rows: zip(images, table.rows).map { name, values in
                    [.text(name)] + values.map { $0.map { ReportTable.Cell(text: "", number: $0) } ?? .text("") }
                }))
    }
}
