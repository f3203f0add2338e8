import DenseData
import DenseMetrics
import Geometry
import ImageFiles
import Reporting
import SafeFiles

/// A page about predicted classes: accuracy of each class, confusion, and pictures named wrong.
struct ClassificationFindings {
    let dataset: any ClassificationLoader
    /// In the data set's order; nil where none was chosen.
    let predictions: [Int?]
    private static let barLimit = 60

    /// - Throws: `DataError` for a file that does not name each picture once.
    init(_ dataset: any ClassificationLoader, predictions file: String) throws(DataError) {
        self.dataset = dataset
        predictions = try ClassPredictions.read(file, dataset).map(\.first)
    }

    func add(to page: inout InspectionPage) {
        let classes = dataset.info.classes
        var counts = [UInt64](repeating: 0, count: classes.count * classes.count)
        var (totals, right) = ([Int](repeating: 0, count: classes.count), [Int](repeating: 0, count: classes.count))
        for (index, prediction) in predictions.enumerated() {
            let label = dataset.label(at: index)
            totals[label] += 1
            if prediction == label { right[label] += 1 }
            if let prediction { counts[label * classes.count + prediction] += 1 }
        }
        page.figures.append(("accuracy", Double(right.reduce(0, +)) / Double(max(predictions.count, 1))))
        let bars = classes.indices.map { k in
            BarChart.Bar(
                name: classes[k], value: Proportion(successes: right[k], count: totals[k]).value,
                interval: Proportion(successes: right[k], count: totals[k]).interval)
        }
        var blocks = ClassBars(title: "Accuracy of each class", valueLabel: "accuracy", bars: bars).blocks(
            &page, "class_accuracy", limit: Self.barLimit)
        blocks.append(.paragraph("Error bars: Wilson's 95 % intervals."))
        page.sections.append(ReportSection(heading: "Class by class", blocks: blocks))
        let chart = ConfusionChart(
            title: "Which classes are taken for which", classes: classes, counts: counts, unit: "pictures")
        page.sections.append(ReportSection(heading: "Confusion", blocks: chart.blocks(&page)))
        page.sections.append(
            ReportSection(
                heading: "Calibration",
                blocks: [.paragraph("Prediction files of classes hold no confidences: there is nothing to calibrate.")])
        )
    }

    /// The first pictures that are named wrong, in the data set's order.
    ///
    /// - Throws: `DataError` for a picture that cannot be read.
    func addGallery(_ options: GalleryOptions, to page: inout InspectionPage) throws {
        let wrong = predictions.indices.filter { predictions[$0] != dataset.label(at: $0) }
        let classes = dataset.info.classes
        var grid = PictureGrid(
            caption: "The first of \(wrong.count) pictures that are named wrong.", columnCount: 4, pictures: [])
        for (rank, index) in wrong.prefix(options.worst).enumerated() {
            let picture = try dataset.sample(at: index).picture
            let size = ImageSize(height: picture.height, width: picture.width).shown(longSide: options.side / 2)
            let shown = picture.shown(at: size)
            let truth = classes[dataset.label(at: index)]
            let caption = "\(truth), taken for \(predictions[index].map { classes[$0] } ?? "no class")"
            let number = rank + 1 < 10 ? "0\(rank + 1)" : "\(rank + 1)"
            page.add(shown, "pictures/wrong-\(number)-\(InspectionPage.stem(dataset.name(at: index))).png")
            if let tile = page.tile(shown, caption) { grid.pictures.append(tile) }
        }
        page.sections.append(
            ReportSection(
                heading: "Pictures",
                blocks: [wrong.isEmpty ? .paragraph("Every picture is named right.") : .pictures(grid)]))
    }
}
