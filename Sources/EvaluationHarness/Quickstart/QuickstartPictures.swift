import Annotations
import DenseData
import Geometry
import ImageFiles
import Reporting
import SafeFiles

/// Predictions beside truth for the first validation scenes, enlarged.
struct QuickstartPictures {
    let quickstart: Quickstart
    var count = 4
    var enlargement = 2

    func blocks() throws -> [ReportBlock] {
        [.pictures(try segmentation()), .pictures(try detection())]
    }

    private func segmentation() throws -> PictureGrid {
        let dataset = try TaskData(quickstart.data, section: "segmentation", split: "val", listFile: nil).segmentation()
        var pictures: [PictureGrid.Picture] = []
        for index in 0..<min(count, dataset.count) {
            let sample = try dataset.sample(at: index)
            pictures.append(tile(sample.picture, "scene \(index + 1)"))
            pictures.append(tile(Palette.paint(sample.labels, ignore: dataset.info.ignoreLabel), "truth"))
            for arm in quickstart.arms {
                let file =
                    quickstart.run(arm, "segment-eval") + "/predictions/"
                    + SegmentationInference.fileName(dataset.name(at: index))
                var map = try PictureFile.loadLabels(file)
                if dataset.reducesZeroLabel { map.values = map.values.map { $0 == 0 ? 255 : $0 - 1 } }
                pictures.append(tile(Palette.paint(map, ignore: dataset.info.ignoreLabel), arm.title))
            }
        }
        return PictureGrid(
            caption: "Segmentation: one colour a class.", columnCount: 2 + quickstart.arms.count, pictures: pictures)
    }

    private func detection() throws -> PictureGrid {
        let dataset = try TaskData(quickstart.data, section: "detection", split: "val", listFile: nil).detection()
        var found: [QuickstartArm: [Int64: [DetectionResult]]] = [:]
        for arm in quickstart.arms {
            let results = try CocoResults.load(quickstart.run(arm, "detect-eval") + "/predictions.json").records
            found[arm] = Dictionary(grouping: results, by: \.imageID)
        }
        var pictures: [PictureGrid.Picture] = []
        for index in 0..<min(count, dataset.count) {
            let sample = try dataset.sample(at: index)
            let size = ImageSize(height: sample.picture.height, width: sample.picture.width)
            var truth = sample.picture
            for object in sample.objects where !object.isCrowd {
                let mark = OverlayMark(
                    box: object.box, mask: try object.segmentation?.mask(size: size),
                    colour: Palette.colour(object.label))
                Overlay.draw([mark], original: size, on: &truth)
            }
            pictures.append(tile(sample.picture, "scene \(index + 1)"))
            pictures.append(tile(truth, "truth"))
            for arm in quickstart.arms {
                var drawn = sample.picture
                for result in (found[arm]?[sample.imageID] ?? []).filter({ $0.score >= 0.5 }).prefix(10) {
                    guard let box = result.box else { continue }
                    let label = dataset.categoryIDs.firstIndex(of: result.categoryID) ?? 0
                    let mark = OverlayMark(
                        box: Box(box), mask: try result.segmentation?.mask(size: size), colour: Palette.colour(label))
                    Overlay.draw([mark], original: size, on: &drawn)
                }
                pictures.append(tile(drawn, arm.title))
            }
        }
        return PictureGrid(
            caption: "Detection: objects of score 0.5 and above.", columnCount: 2 + quickstart.arms.count,
            pictures: pictures)
    }

    private func tile(_ picture: Picture, _ caption: String) -> PictureGrid.Picture {
        let size = ImageSize(height: picture.height * enlargement, width: picture.width * enlargement)
        return PictureGrid.Picture(
            jpeg: JPEGFile.encode(picture.resizedNearest(to: size), quality: 85, sampling: .full), caption: caption)
    }
}
