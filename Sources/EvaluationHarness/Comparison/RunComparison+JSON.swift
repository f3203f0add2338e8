import JSONText
import Reporting

extension RunComparison {
    /// The document of `dmt compare --json`.
    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("kind", .string("comparison")),
            ("different_protocols", .bool(isMarked)),
            (
                "runs",
                .array(
                    zip(labels, runs).map { label, run in
                        .object([
                            ("label", .string(label)), ("run", .string(run.path)),
                            ("task", .string(run.record.fields.task)), ("seed", .string("\(run.record.fields.seed)")),
                            ("protocol", .string(run.record.fields.protocolFingerprint.hash)),
                            ("images", .int(Int64(run.record.fields.dataset.scoredImages))),
                        ])
                    })
            ),
            ("metrics", .array(rows.map(json))), ("comparisons", .array(pairs.map(json))),
            ("metrics_not_in_all", .array(left.map { .string($0) })),
        ])
    }

    private func json(_ row: Row) -> JSONValue {
        .object([
            ("name", .string(row.name)), ("direction", .string(row.direction.rawValue)),
            ("values", .array(row.values.map { JSONValue(finite: $0.value) })),
            (
                "differences",
                .array(row.differences.map { found in found.map { .object($0.json(row.direction)) } ?? .null })
            ),
        ])
    }

    private func json(_ pair: Pair) -> JSONValue {
        .object([
            ("label", .string(pair.label)), ("paired", .bool(pair.obstacle == nil)),
            ("obstacle", pair.obstacle.map { .string($0) } ?? .null),
            ("protocol_differences", .array(pair.protocolDifferences.map { .string($0) })),
            (
                "classes",
                .object(pair.classes.map { ($0.name, .array($0.rows.map(Self.json))) })
            ),
            ("pictures", pair.images.map(Self.json) ?? .null),
        ])
    }

    private static func json(_ row: PairedEvidence.ClassRow) -> JSONValue {
        .object(
            [
                ("class", .string(row.name)), ("images", .int(Int64(row.images))),
                ("values", .array([row.reference, row.value].map { JSONValue(finite: $0) })),
            ] + (row.difference?.json(.higherIsBetter) ?? [("difference", .null)]))
    }

    private static func json(_ images: Images) -> JSONValue {
        func list(_ rows: [ImageRow]) -> JSONValue {
            .array(
                rows.map {
                    .object([
                        ("image", .string($0.image)), ("values", .array([.double($0.reference), .double($0.value)])),
                        ("difference", .double($0.difference)),
                    ])
                })
        }
        return .object([
            ("figure", .string(images.figure)), ("gained", .int(Int64(images.gained))),
            ("lost", .int(Int64(images.lost))), ("equal", .int(Int64(images.equal))), ("worst", list(images.worst)),
            ("best", list(images.best)),
        ])
    }
}
