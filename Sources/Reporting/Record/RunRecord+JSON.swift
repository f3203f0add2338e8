import JSONText

extension RunRecord {
    /// How much of a record its JSON text holds.
    public enum Scope: Sendable {
        case everything
        /// Without command line, times and machine: equal runs give equal bytes.
        case reproducible
    }

    /// The record as JSON; keys always stand in the same order.
    public func json(_ scope: Scope = .everything) -> JSONValue {
        let f = fields
        var object: [(String, JSONValue)] = [
            ("schema_version", .int(Int64(Self.schemaVersion))),
            ("task", .string(f.task)),
            ("task_version", .int(Int64(f.taskVersion))),
            ("tool_version", .string(f.toolVersion)),
            ("model", .string(f.model)),
            ("arm", .string(f.arm)),
            (
                "checkpoint",
                f.checkpoint.map { .object([("name", .string($0.name)), ("sha256", .string($0.sha256))]) } ?? .null
            ),
            ("dataset", f.dataset.json),
            (
                "settings",
                .array(
                    f.settings.map {
                        .object([
                            ("key", .string($0.key)), ("value", .string($0.value)), ("origin", .string($0.origin)),
                        ])
                    })
            ),
            // A string: readers that turn numbers into doubles would lose seeds from 2^53 on.
            ("seed", .string(String(f.seed))),
            ("selection_rule", .string(f.selectionRule)),
            (
                "protocol",
                .object([
                    ("hash", .string(f.protocolFingerprint.hash)),
                    ("entries", .object(f.protocolFingerprint.entries.map { ($0.key, .string($0.value)) })),
                ])
            ),
            ("metrics", .array(f.metrics.map(\.json))),
            ("class_table", f.classTable?.json ?? .null),
            (
                "warnings",
                .array(
                    f.warnings.map { .object([("code", .string($0.code)), ("message", .string($0.message))]) })
            ),
        ]
        if scope == .everything {
            object.append(("command_line", .array(f.commandLine.map { .string($0) })))
            object.append(("timings", .object(f.timings.map { ($0.phase, .double($0.seconds)) })))
            object.append(("efficiency", .array(f.efficiency.map(\.json))))
            object.append(("environment", .object(f.environment.map { ($0.key, .string($0.value)) })))
        }
        return .object(object)
    }

    /// Reads what `json(.everything)` wrote.
    ///
    /// - Throws: `RecordFormatError` naming the first field that is missing or of another type, that the protocol hash
    ///   does not fit its entries, or `IncompleteRecord`.
    public init(json: JSONValue) throws {
        let root = try RecordObject(json, path: "record")
        let version = try root.int("schema_version")
        guard version == Self.schemaVersion else {
            throw RecordFormatError(
                field: "schema_version", expected: "\(Self.schemaVersion)", found: "\(version)")
        }
        var f = Draft()
        f.task = try root.string("task")
        f.taskVersion = try root.int("task_version")
        f.toolVersion = try root.string("tool_version")
        f.model = try root.string("model")
        f.arm = try root.string("arm")
        if let checkpoint = try root.optionalObject("checkpoint") {
            f.checkpoint = FileDigest(name: try checkpoint.string("name"), sha256: try checkpoint.string("sha256"))
        }
        f.dataset = try DatasetSummary(try root.object("dataset"))
        f.settings = try root.objects("settings").map {
            ResolvedSetting(key: try $0.string("key"), value: try $0.string("value"), origin: try $0.string("origin"))
        }
        let seed = try root.string("seed")
        guard let seedValue = UInt64(seed) else {
            throw RecordFormatError(field: "seed", expected: "a whole number in a string", found: "'\(seed)'")
        }
        f.seed = seedValue
        f.selectionRule = try root.string("selection_rule")
        let protocolObject = try root.object("protocol")
        for (key, value) in try protocolObject.object("entries").strings() { f.protocolFingerprint.set(key, value) }
        let hash = try protocolObject.string("hash")
        guard hash == f.protocolFingerprint.hash else {
            throw RecordFormatError(field: "protocol.hash", expected: f.protocolFingerprint.hash, found: hash)
        }
        f.metrics = try root.objects("metrics").map { try MetricValue($0) }
        f.classTable = try root.optionalObject("class_table").map { try ClassTable($0) }
        f.warnings = try root.objects("warnings").map {
            RunWarning(code: try $0.string("code"), message: try $0.string("message"))
        }
        f.commandLine = try root.stringArray("command_line")
        f.timings = try root.object("timings").doubles().map { PhaseTiming(phase: $0.0, seconds: $0.1) }
        if root.has("efficiency") { f.efficiency = try root.objects("efficiency").map { try NetworkCost($0) } }
        f.environment = try root.object("environment").strings().map { EnvironmentFact(key: $0.0, value: $0.1) }
        try self.init(f)
    }
}

extension MetricValue {
    /// The metric as JSON: `value` is null when undefined, and then `reason` says why.
    public var json: JSONValue {
        .object([
            ("name", .string(name)),
            ("value", .optional(value)),
            ("unit", .string(unit.rawValue)),
            ("direction", .string(direction.rawValue)),
            ("sample_count", .int(Int64(sampleCount))),
            ("standard_error", .optional(standardError)),
            (
                "interval",
                interval.map {
                    .object([("lower", .double($0.lower)), ("upper", .double($0.upper)), ("level", .double($0.level))])
                } ?? .null
            ),
            ("error_method", errorMethod.map { .string($0) } ?? .null),
            ("reason", reason.map { .string($0) } ?? .null),
        ])
    }

    init(_ object: RecordObject) throws {
        let value = try object.optionalDouble("value")
        self.init(
            name: try object.string("name"), value: value, unit: try object.choice("unit"),
            direction: try object.choice("direction"), sampleCount: try object.int("sample_count"))
        reason = try object.optionalString("reason")
        standardError = try object.optionalDouble("standard_error")
        errorMethod = try object.optionalString("error_method")
        interval = try object.optionalObject("interval").map {
            Interval(lower: try $0.double("lower"), upper: try $0.double("upper"), level: try $0.double("level"))
        }
    }
}

extension DatasetSummary {
    var json: JSONValue {
        .object([
            ("name", .string(name)), ("split", .string(split)), ("content_hash", .string(contentHash)),
            ("listed_images", .int(Int64(listedImages))), ("scored_images", .int(Int64(scoredImages))),
            ("class_count", .int(Int64(classCount))),
        ])
    }

    init(_ object: RecordObject) throws {
        self.init(
            name: try object.string("name"), split: try object.string("split"),
            contentHash: try object.string("content_hash"), listedImages: try object.int("listed_images"),
            scoredImages: try object.int("scored_images"), classCount: try object.int("class_count"))
    }
}

extension ClassTable {
    var json: JSONValue {
        .object([
            ("columns", .array(columns.map { .string($0) })),
            (
                "rows",
                .array(
                    rows.map {
                        .object([("name", .string($0.name)), ("values", .array($0.values.map { .optional($0) }))])
                    })
            ),
        ])
    }

    init(_ object: RecordObject) throws {
        self.init(
            columns: try object.stringArray("columns"),
            rows: try object.objects("rows").map {
                Row(name: try $0.string("name"), values: try $0.optionalDoubles("values"))
            })
    }
}

extension JSONValue {
    static func optional(_ value: Double?) -> JSONValue { JSONValue(finite: value) }
}
