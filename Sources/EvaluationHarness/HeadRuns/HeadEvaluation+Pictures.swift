import Reporting
import SafeFiles

extension HeadEvaluation {
    /// Charts and pictures of a run's predictions; nil where none are wanted.
    ///
    /// Numbers are in the record already: a picture that is damaged or gone costs the run its pictures, not its end, and
    /// the page says so.
    ///
    /// - Throws: `.deviceFailed`: a disk that does not answer now may do so when the run goes on.
    func page(_ job: EvaluationJob, _ target: String, _ source: TaskData, _ session: CommandSession) throws
        -> InspectionPage?
    {
        guard makesPlots else { return nil }
        let kind: PredictionSource.Kind =
            switch job.predictionName {
            case "predictions.json": .detection
            case "predictions.tsv": .classification
            default: .segmentation
            }
        var page = InspectionPage()
        do {
            try PredictionIllustration(gallery: GalleryOptions(worst: 6, best: 2, side: 360)).add(
                kind, source, target, to: &page)
        } catch let error as DataError {
            if error.kind == .deviceFailed { throw error }
            session.note("no pictures: \(error)")
            page.sections.append(ReportSection(heading: "Pictures", blocks: [.warning("No pictures: \(error)")]))
        }
        // The report has a table of them.
        page.sections.removeAll { $0.heading == "Averages" }
        return page
    }

    /// The report's page with charts and pictures before the protocol.
    static func html(_ report: Report, _ page: InspectionPage?) -> String {
        var report = report
        let place = report.sections.firstIndex { $0.heading == "Protocol" } ?? report.sections.count
        report.sections.insert(contentsOf: page?.sections ?? [], at: place)
        return HTMLRenderer().render(report)
    }
}
