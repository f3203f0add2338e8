import DenseData
import Geometry
import ImageFiles
import Reporting
import SafeFiles

/// Picture, truth, prediction and errors of one picture, side by side.
struct SegmentationPanels {
    static let titles = ["picture", "truth", "prediction", "errors"]
    static let errorEntries = [
        Palette.entry("error", Palette.wrong), Palette.entry("no class predicted", Palette.unclassified),
        Palette.entry("not scored", (0, 0, 0)),
    ]

    /// Four, of one size.
    let pictures: [Picture]
    /// Those of truth and prediction.
    let classes: [Int]
    private let names: [String]

    /// - Parameters:
    ///   - index: in the data set.
    ///   - predictions: a folder of label maps coded like the labels.
    ///   - side: the long side of each panel.
    /// - Throws: `DataError` for a picture or a map that cannot be read, and for maps of another size than the picture's.
    init(_ dataset: SegmentationFolder, _ index: Int, predictions: String, side: Int) throws {
        let sample = try dataset.sample(at: index)
        let file = "\(predictions)/\(SegmentationInference.fileName(dataset.name(at: index)))"
        let prediction = try Self.prediction(file, dataset)
        guard (prediction.height, prediction.width) == (sample.labels.height, sample.labels.width) else {
            throw DataError(
                .malformed, file: file,
                expected: "the size of its label map, \(sample.labels.height) rows of \(sample.labels.width)",
                found: "\(prediction.height) rows of \(prediction.width)",
                remedy: "write predictions at the size of the label map (nearest neighbour)")
        }
        let ignore = dataset.info.ignoreLabel ?? 255
        let classCount = dataset.info.classes.count
        names = dataset.info.classes
        let size = ImageSize(height: sample.picture.height, width: sample.picture.width).shown(longSide: side)
        var isSeen = [Bool](repeating: false, count: classCount)
        for label in sample.labels.values where Int(label) < classCount { isSeen[Int(label)] = true }
        for label in prediction.values where Int(label) < classCount { isSeen[Int(label)] = true }
        classes = isSeen.indices.filter { isSeen[$0] }
        pictures = [
            sample.picture.shown(at: size), Palette.paint(sample.labels, ignore: ignore).resizedNearest(to: size),
            Self.paint(prediction).resizedNearest(to: size),
            Self.errors(sample, prediction, ignore).resizedNearest(to: size),
        ]
    }

    /// In training labels; values that name no class are the largest there is.
    private static func prediction(_ file: String, _ dataset: SegmentationFolder) throws(DataError) -> LabelImage {
        var map = try PictureFile.loadLabels(file)
        let first: UInt16 = dataset.reducesZeroLabel ? 1 : 0
        let classes = UInt16(dataset.info.classes.count)
        for pixel in map.values.indices {
            let value = map.values[pixel]
            map.values[pixel] = value >= first && value - first < classes ? value - first : .max
        }
        return map
    }

    private static func paint(_ prediction: LabelImage) -> Picture {
        var picture = Palette.paint(prediction, ignore: .max)
        for pixel in prediction.values.indices where prediction.values[pixel] == .max {
            picture.set(pixel / picture.width, pixel % picture.width, Palette.unclassified)
        }
        return picture
    }

    /// The picture in pale grey where the prediction is right.
    private static func errors(
        _ sample: SegmentationSample, _ prediction: LabelImage, _ ignore: UInt16
    ) -> Picture {
        var picture = sample.picture
        for pixel in sample.labels.values.indices {
            let (truth, label) = (sample.labels.values[pixel], prediction.values[pixel])
            let colour: RGB
            if truth == ignore {
                colour = (0, 0, 0)
            } else if label == .max {
                colour = Palette.unclassified
            } else if label != truth {
                colour = Palette.wrong
            } else {
                let at = 3 * pixel
                let sum = Int(picture.pixels[at]) + Int(picture.pixels[at + 1]) + Int(picture.pixels[at + 2])
                let grey = UInt8(120 + sum * 135 / 765)
                colour = (grey, grey, grey)
            }
            picture.set(pixel / picture.width, pixel % picture.width, colour)
        }
        return picture
    }

    /// The four with the key below, as a picture of its own.
    var sheet: Picture {
        let row = Picture.row(pictures)
        let entries = classes.map { Palette.entry(names[$0], Palette.colour($0)) }
        return Picture.column([row, PictureLegend.strip(width: row.width, entries + Self.errorEntries)])
    }
}
