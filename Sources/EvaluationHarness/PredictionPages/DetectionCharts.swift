import DenseMetrics
import Reporting

/// Curves, tables and matrices of a detector.
struct DetectionCharts {
    let findings: DetectionFindings
    /// Classes whose curves are drawn; all are in the data files.
    private static let curveLimit = 6
    private static let barLimit = 100

    private var overlapWords: String {
        "\(findings.options.overlap.rawValue) IoU \(NumberText.short(findings.options.iou))"
    }

    func add(to page: inout InspectionPage) {
        page.sections.append(ReportSection(heading: "Average precision", blocks: averages(&page)))
        page.sections.append(ReportSection(heading: "Curves", blocks: curves(&page)))
        page.sections.append(ReportSection(heading: "Class by class", blocks: classes(&page)))
        page.sections.append(
            ReportSection(
                heading: "Confusion",
                blocks: ConfusionChart(findings.confusion, names: findings.names).blocks(&page)))
        page.sections.append(ReportSection(heading: "Calibration", blocks: calibration(&page)))
    }

    // MARK: Averages

    private func averages(_ page: inout InspectionPage) -> [ReportBlock] {
        let thresholds = findings.curves.settings.iouThresholds
        let areas = findings.curves.settings.areaRanges.map(\.name)
        page.figures.append(("AP", findings.averagePrecision()))
        page.figures.append(("AP_at_iou", findings.precisionAtThreshold()))
        var table = ReportTable(
            caption: "By size of the objects; areas in square pixels as COCO divides them.",
            columns: [
                .init("objects"), .init("AP", .right), .init("AP50", .right), .init("AP75", .right),
            ])
        for area in areas {
            table.add(
                [.text(area)]
                    + [nil, 0.5, 0.75].map { .number(findings.averagePrecision(iou: $0, area: area)) })
        }
        let chart = LineChart(
            title: "Average precision over the IoU that a match needs", xLabel: "IoU threshold", yLabel: "AP",
            series: areas.compactMap { area in
                let values = thresholds.map { findings.averagePrecision(iou: $0, area: area) }
                guard values.contains(where: { $0 != nil }) else { return nil }
                return .init(name: area, points: zip(thresholds, values).map { .init($0, $1 ?? .nan) })
            })
        page.add(InspectionPage.csv(table), "plots/ap_by_size.csv")
        return [.table(table), page.chart(chart, "ap_over_iou")]
    }

    // MARK: Curves

    /// Classes from high to low average precision; those without objects are left out.
    private var ranked: [(index: Int, precision: Double)] {
        findings.outcomes.categoryIDs.indices.compactMap { index in
            findings.precisionAtThreshold(index).map { (index, $0) }
        }.sorted { ($1.precision, $0.index) < ($0.precision, $1.index) }
    }

    /// All classes where they are few, else the best and the worst.
    private var drawn: [Int] {
        let ranked = ranked.map(\.index)
        guard ranked.count > Self.curveLimit else { return ranked.sorted() }
        let half = Self.curveLimit / 2
        return Array(ranked.prefix(half)) + ranked.suffix(half)
    }

    private func curves(_ page: inout InspectionPage) -> [ReportBlock] {
        let levels = findings.precision.settings.recallThresholds
        let rows = findings.outcomes.categoryIDs.indices.map { index in
            findings.precision.curve(classIndex: index)?.precision.first
        }
        let known = rows.compactMap(\.self)
        guard !known.isEmpty else { return [.paragraph("No class has objects: there is no curve.")] }
        let mean = levels.indices.map { at in known.reduce(0) { $0 + $1[at] } / Double(known.count) }
        func chart(
            _ title: String, _ x: String, _ y: String, _ places: [Double], _ mean: [Double]?,
            _ values: (Int) -> [Double]?
        ) -> LineChart {
            var series: [LineChart.Series] = []
            if let mean {
                series.append(.init(name: "mean of classes", points: zip(places, mean).map { .init($0, $1) }))
            }
            for index in drawn {
                guard let values = values(index) else { continue }
                series.append(.init(name: findings.name(index), points: zip(places, values).map { .init($0, $1) }))
            }
            return LineChart(title: title, xLabel: x, yLabel: y, series: series)
        }
        let f1 = findings.f1
        let precision = chart(
            "Precision over recall at \(overlapWords)", "recall", "precision", levels, mean
        ) { rows[$0] }
        let score = chart(
            "F1 over the score from which detections count, \(overlapWords)", "score", "F1", f1.scores, f1.mean?.f1
        ) { f1.classes[$0]?.f1 }
        var blocks: [ReportBlock] = []
        if ranked.count > Self.curveLimit {
            blocks.append(
                .paragraph(
                    "Drawn are the mean and the \(Self.curveLimit / 2) best and worst of \(ranked.count) classes; the "
                        + "data files hold all."))
        }
        blocks.append(
            page.chart(precision, "precision_recall", data: table("recall", levels, mean) { rows[$0] }))
        page.add(findings.curves.json(findings.names).text() + "\n", "plots/pr_curves.json")
        blocks.append(
            page.chart(score, "f1_score", data: table("score", f1.scores, f1.mean?.f1) { f1.classes[$0]?.f1 }))
        page.figures.append(("best_f1", f1.best?.f1))
        page.figures.append(("best_f1_score", f1.best?.score))
        if let best = f1.best {
            blocks.append(
                .paragraph(
                    "The mean F1 is greatest, \(NumberText.fixed(best.f1, digits: 3)), where detections count from a "
                        + "score of \(NumberText.short(best.score))."))
        }
        return blocks
    }

    /// One line a place on the axis, one column a class.
    private func table(
        _ axis: String, _ places: [Double], _ mean: [Double]?, _ values: (Int) -> [Double]?
    ) -> String {
        let classes = findings.outcomes.categoryIDs.indices.compactMap { index in
            values(index).map { (findings.name(index), $0) }
        }
        var rows = [[axis] + (mean == nil ? [] : ["mean"]) + classes.map { CSVRenderer.guarded($0.0) }]
        for (at, place) in places.enumerated() {
            rows.append(
                [NumberText.exact(place)] + (mean.map { [NumberText.exact($0[at])] } ?? [])
                    + classes.map { NumberText.exact($0.1[at]) })
        }
        return CSVText.text(rows)
    }

    // MARK: Classes, calibration

    private func classes(_ page: inout InspectionPage) -> [ReportBlock] {
        let values = findings.outcomes.categoryIDs.indices.map { index in
            BarChart.Bar(name: findings.name(index), value: findings.averagePrecision(classIndex: index))
        }
        return ClassBars(title: "Average precision of each class", valueLabel: "AP", bars: values).blocks(
            &page, "class_ap", limit: Self.barLimit)
    }

    private func calibration(_ page: inout InspectionPage) -> [ReportBlock] {
        guard let calibration = Calibration(findings.confidences) else {
            return [.paragraph("Scores are not from 0 to 1: they are no confidences.")]
        }
        page.figures.append(("ECE", calibration.expectedError))
        let diagram = calibration.diagram(
            "Confidence and precision of all \(calibration.count) detections at \(overlapWords)", "precision")
        return [
            .paragraph(
                "Bars show how many of the detections of a score are right; a calibrated detector's end on the "
                    + "diagonal, below it the detector is too sure. Points stand at the mean score of their bin."),
            page.plot(.reliability(diagram), "calibration"),
        ]
    }
}

extension Calibration {
    func diagram(_ title: String, _ valueLabel: String) -> ReliabilityDiagram {
        ReliabilityDiagram(
            title: title, valueLabel: valueLabel,
            bins: bins.map {
                .init(
                    lower: $0.lower, upper: $0.upper, count: $0.count, confidence: $0.confidence, accuracy: $0.accuracy)
            }, expectedError: expectedError)
    }
}

/// The numbers of classes as bars, from the best to the worst.
struct ClassBars {
    var title: String
    var valueLabel: String
    var bars: [BarChart.Bar]

    /// - Parameter limit: bars drawn: of more, half are the best and half the worst.
    func blocks(_ page: inout InspectionPage, _ name: String, limit: Int) -> [ReportBlock] {
        let known = bars.enumerated().filter { $0.element.value != nil }.sorted {
            ($1.element.value!, $0.offset) < ($0.element.value!, $1.offset)
        }.map(\.element)
        guard !known.isEmpty else { return [.paragraph("No class has a number.")] }
        var chart = BarChart(title: title, valueLabel: valueLabel, bars: known)
        if known.count > limit {
            chart.bars = known.prefix(limit / 2) + known.suffix(limit / 2)
            chart.title += ", the best and the worst \(limit / 2) of \(known.count)"
        }
        let all = BarChart(title: title, valueLabel: valueLabel, bars: bars)
        var blocks = [page.plot(.bars(chart), name, data: InspectionPage.csv(all.table))]
        if known.count < bars.count {
            blocks.append(
                .paragraph("\(bars.count - known.count) of \(bars.count) classes do not occur and have no bar."))
        }
        return blocks
    }
}
