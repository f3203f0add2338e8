import Annotations
import DenseData
import DenseMetrics
import Geometry
import ImageFiles

/// The first few predictions of a validation as pictures, for TensorBoard.
enum ValidationPictures {
    /// Pictures of a measurement.
    static let count = 4
    private static let side = 256
    /// Score from which detections are drawn.
    private static let score = 0.5

    typealias Named = (name: String, picture: Picture)

    /// - Parameter predictions: a folder of label maps.
    static func segmentation(_ dataset: SegmentationFolder, predictions: String) throws -> [Named] {
        try (0..<min(count, dataset.count)).map { index in
            let panels = try SegmentationPanels(dataset, index, predictions: predictions, side: side)
            return (dataset.name(at: index), panels.sheet)
        }
    }

    /// - Parameter predictions: a results file.
    static func detection(_ dataset: DetectionDataset, predictions: String) throws -> [Named] {
        let places = 0..<min(count, dataset.count)
        let wanted = Set(places.map(dataset.imageID))
        var truth = try CocoDataset.load(dataset.annotationFile, fields: [.segmentation, .names], checks: [])
        truth.images = truth.images.filter { wanted.contains($0.id) }
        truth.annotations = truth.annotations.filter { wanted.contains($0.imageID) }
        let all = try CocoResults.load(predictions, fields: [.segmentation])
        let results = DetectionTable(
            (0..<all.count).filter { wanted.contains(all.imageIDs[$0]) }.map { all[$0] })
        let outcomes = try CocoOutcomes(truth: truth, results: results, settings: CocoSettings(.box))
        let drawing = DetectionDrawing(
            dataset: dataset, truth: truth, results: results, names: dataset.info.classes, score: score, side: side)
        let images = Dictionary(outcomes.images.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        return try places.compactMap { place in
            guard let image = images[dataset.imageID(at: place)] else { return nil }
            return (dataset.name(at: place), try drawing.picture(image, at: place))
        }
    }

    /// - Parameter labels: the predicted classes, in the data set's order.
    static func classification(_ dataset: any ClassificationLoader, labels: [Int?]) throws -> [Named] {
        let classes = dataset.info.classes
        return try (0..<min(count, dataset.count)).map { index in
            let picture = try dataset.sample(at: index).picture
            let size = ImageSize(height: picture.height, width: picture.width).shown(longSide: side)
            let (found, truth) = (labels[index], dataset.label(at: index))
            let name = found.map { classes[$0] } ?? "no class"
            let words = found == truth ? name : "\(name), is \(classes[truth])"
            let strip = PictureLegend.strip(
                width: size.width, [Palette.entry(words, found == truth ? Palette.right : Palette.wrong)])
            return (dataset.name(at: index), Picture.column([picture.shown(at: size), strip]))
        }
    }
}
