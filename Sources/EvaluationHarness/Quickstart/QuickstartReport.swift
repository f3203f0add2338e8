import DenseMetrics
import Foundation
import ImageFiles
import JSONText
import Reporting
import SafeFiles
import VisionBackbones

/// The comparison report of a quickstart: the same numbers as JSON, Markdown and one HTML page.
struct QuickstartReport {
    let quickstart: Quickstart
    let results: [ArmResult]
    let teachers: [TeacherEntry]
    let seconds: Double
    let seed: UInt64

    /// The table's metrics: the name in `report.json`, the record's name, and which record.
    static let metrics: [(key: String, name: String, record: @Sendable (ArmResult) -> RunRecord?)] = [
        ("mIoU", "mIoU", { $0.segmentation }), ("AP_box", "AP_box", { $0.detection }),
        ("AP_mask", "AP_mask", { $0.detection }), ("knn_top1", "knn_top1", { $0.knn }),
    ]

    static func value(_ key: String, _ result: ArmResult) -> MetricValue? {
        metrics.first { $0.key == key }.flatMap { $0.record(result)?.metric($0.name) }
    }

    /// Writes the three files and returns the JSON document.
    func write() throws -> JSONValue {
        let differences = try PairedDifferences(quickstart: quickstart, results: results).all()
        let costs = try costs()
        let document = try json(differences, costs)
        let report = try report(differences, costs)
        let out = quickstart.out
        try AtomicFile.write(document.text(pretty: true) + "\n", to: "\(out)/report.json")
        try AtomicFile.write(MarkdownRenderer().render(report), to: "\(out)/report.md")
        try AtomicFile.write(HTMLRenderer().render(report), to: "\(out)/report.html")
        return document
    }

    // MARK: JSON

    private func json(_ differences: [ArmDifference], _ costs: [NetworkCost]) throws -> JSONValue {
        .object([
            ("schema_version", .int(1)), ("tool_version", .string(BuildInfo.version)), ("seed", .string("\(seed)")),
            ("recipe", .string(quickstart.recipe.name)), ("recipe_sha256", .string(quickstart.recipe.hash)),
            ("seconds", .double(seconds)),
            ("rows", .array(results.map(row))),
            ("efficiency", .array(costs.map(\.json))),
            ("against_scratch", .array(differences.map(\.json))),
            (
                "teachers",
                .array(
                    try teachers.map { teacher in
                        .object([
                            ("name", .string(teacher.name)), ("sha256", .string(try CheckpointFile.hash(teacher.file))),
                        ])
                    })
            ),
        ])
    }

    private func row(_ result: ArmResult) -> JSONValue {
        .object([
            ("arm", .string(result.arm.rawValue)),
            ("metrics", .object(Self.metrics.map { ($0.key, JSONValue(finite: Self.value($0.key, result)?.value)) })),
            (
                "standard_errors",
                .object(Self.metrics.map { ($0.key, JSONValue(finite: Self.value($0.key, result)?.standardError)) })
            ),
            (
                "class_iou",
                .object(
                    (result.segmentation?.fields.classTable?.rows ?? []).map {
                        ($0.name, JSONValue(finite: $0.values[0]))
                    })
            ),
            ("distillation", .array((result.distillation?.diagnostics ?? []).map(DistillationRun.json))),
        ])
    }

    // MARK: Pages

    private func report(_ differences: [ArmDifference], _ costs: [NetworkCost]) throws -> Report {
        let settings = quickstart.settings
        let introduction = [
            "Each row is a student of one shape, first distilled from the frozen teachers named, without labels, on "
                + "\(settings.scenes.train) drawn scenes, then fine-tuned with each head on the labels of "
                + "\(settings.scenes.labelled) of them. All rows share recipes, data and seed \(seed).",
            "Numbers come from prediction files on \(settings.scenes.validation) validation scenes. "
                + "± is the standard error over images; one seed says nothing about the spread over seeds.",
            "The arm dmt re-creates an idea; see Documentation/distillation.md for what the paper states.",
        ]
        var sections = [
            ReportSection(heading: "Results", blocks: [.table(mainTable), .table(differenceTable(differences))]),
            ReportSection(heading: "Classes", blocks: [.table(classTable)]),
            ReportSection(heading: "Predictions", blocks: try QuickstartPictures(quickstart: quickstart).blocks()),
            ReportSection(heading: "Loss curves", blocks: try curves()),
            ReportSection(heading: "Efficiency", blocks: [.table(Report.efficiencyTable(costs))]),
        ]
        if results.contains(where: { $0.distillation != nil }) {
            sections.append(ReportSection(heading: "Agreement with the teachers", blocks: [.table(agreementTable)]))
        }
        return Report(
            title: "Quickstart: distilled students on drawn scenes", introduction: introduction, sections: sections)
    }

    private var mainTable: ReportTable {
        var columns: [ReportTable.Column] = [.init("arm")]
        columns += Self.metrics.map { .init($0.key, .right, direction: .higherIsBetter) }
        return ReportTable(
            caption: "Students after fine-tuning (k-NN: frozen).", columns: columns,
            rows: results.map { result in
                [.text(result.arm.title)] + Self.metrics.map { .metric(Self.value($0.key, result)) }
            })
    }

    private func differenceTable(_ differences: [ArmDifference]) -> ReportTable {
        ReportTable(
            caption: "Difference to scratch, paired over images (95 % interval).",
            columns: [
                .init("arm"), .init("metric"), .init("difference", .right), .init("interval", .right), .init("verdict"),
            ],
            rows: differences.map { entry in
                let found = entry.difference
                return [
                    .text(entry.arm.title), .text(entry.metric), .number(found.difference),
                    .interval(found.interval),
                    .text(found.verdict(.higherIsBetter).rawValue),
                ]
            })
    }

    private var classTable: ReportTable {
        let names = results.first?.segmentation?.fields.classTable?.rows.map(\.name) ?? []
        var columns: [ReportTable.Column] = [.init("IoU of class")]
        columns += results.map { .init($0.arm.title, .right) }
        return ReportTable(
            caption: "Segmentation, class by class.", columns: columns,
            rows: names.indices.map { index in
                [.text(names[index])]
                    + results.map { .number($0.segmentation?.fields.classTable?.rows[index].values[0]) }
            })
    }

    private var agreementTable: ReportTable {
        ReportTable(
            caption:
                "Mean cosine with each teacher's standardised targets, and gate weight, over the last tenth of the steps.",
            columns: [.init("arm"), .init("teacher"), .init("tokens"), .init("cosine", .right), .init("gate", .right)],
            rows: results.flatMap { result in
                (result.distillation?.diagnostics ?? []).map { entry in
                    [
                        .text(result.arm.title), .text(entry.teacher), .text(entry.tokenType), .number(entry.cosine),
                        .number(entry.gate),
                    ]
                }
            })
    }

    /// One shape for all students, and each teacher as it is.
    private func costs() throws -> [NetworkCost] {
        var costs: [NetworkCost] = []
        func add(_ network: String, _ file: String) throws {
            costs.append(
                .measure(
                    try ModelFile.loadBackbone(file).configuration, network: network,
                    imageSize: quickstart.settings.scenes.size))
        }
        if let arm = results.first?.arm { try add("student", quickstart.student(arm)) }
        for teacher in teachers { try add("teacher \(teacher.name)", teacher.file) }
        return costs
    }

    private func curves() throws -> [ReportBlock] {
        var charts: [ReportBlock] = []
        let distilled = results.compactMap { result in
            result.distillation.map { LossCurve(name: result.arm.title, history: $0.history).series }
        }
        if !distilled.isEmpty {
            charts.append(.chart(LineChart(title: "Distillation", xLabel: "step", yLabel: "loss", series: distilled)))
        }
        for (stage, title) in [("segment", "Segmentation"), ("detect", "Detection")] {
            let series = try results.map {
                try LossCurve(name: $0.arm.title, file: quickstart.run($0.arm, stage) + "/history.json").series
            }
            charts.append(.chart(LineChart(title: title, xLabel: "step", yLabel: "loss", series: series)))
        }
        return charts
    }
}
