import DenseMetrics
import Reporting

/// Averages, classes and confusion of label maps.
struct SegmentationCharts {
    let findings: SegmentationFindings
    /// For the error bars of classes; nil for none.
    var bootstrap: Bootstrap?
    private static let barLimit = 60

    /// Nil where no draw differs, as for a class that is never right: that would claim certainty.
    private static func interval(_ error: SampledError?) -> Interval? {
        error.flatMap { $0.interval.lower < $0.interval.upper ? $0.interval : nil }
    }

    func add(to page: inout InspectionPage) {
        let score = findings.score
        page.figures += score.metrics.map { ($0.name, $0.value) }
        page.sections.append(
            ReportSection(
                heading: "Averages",
                blocks: score.warnings.map { .warning($0.message) } + [.table(Report.metricTable(score.metrics))]))
        let errors = bootstrap.map(findings.errors)
        let rows = score.evaluation.classTable(names: findings.dataset.info.classes)
        let bars = rows.map { row in
            BarChart.Bar(
                name: row.name ?? "\(row.index)", value: row.iou, interval: Self.interval(errors?[row.index]))
        }
        var blocks = ClassBars(title: "IoU of each class", valueLabel: "IoU", bars: bars).blocks(
            &page, "class_iou", limit: Self.barLimit)
        if let method = errors?.compactMap({ $0?.method }).first {
            blocks.append(.paragraph("Error bars: 95 % intervals, \(method)."))
        }
        page.sections.append(ReportSection(heading: "Class by class", blocks: blocks))
        guard let counts = score.confusion else { return }
        let chart = ConfusionChart(
            title: "Which classes are taken for which, by pixels", classes: findings.dataset.info.classes,
            counts: counts, unit: "pixels")
        page.sections.append(ReportSection(heading: "Confusion", blocks: chart.blocks(&page)))
    }
}
