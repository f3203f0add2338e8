import Annotations
import DenseData
import DenseMetrics
import Geometry
import ImageFiles
import Reporting

/// Draws a picture with its objects and detections by what becomes of them.
struct DetectionDrawing {
    let dataset: DetectionDataset
    let truth: CocoDataset
    let results: DetectionTable
    /// Names of the classes, in the order of the outcomes' category ids.
    let names: [String]
    /// Score from which detections count.
    var score: Double
    /// The long side of the drawn picture.
    var side: Int
    /// Detections drawn in one picture, the highest scores first.
    private static let markLimit = 60
    private static let nameLimit = 16

    /// - Parameter place: of the image in the data set.
    /// - Throws: `DataError` for a picture that cannot be read.
    func picture(_ image: CocoOutcomes.Image, at place: Int) throws -> Picture {
        let sample = try dataset.sample(at: place)
        let original = ImageSize(height: sample.picture.height, width: sample.picture.width)
        var picture = sample.picture.shown(at: original.shown(longSide: side))
        Overlay.draw(marks(image, original), original: original, on: &picture, scale: max(1, side / 240))
        return picture
    }

    /// From the back to the front: truth, what does not count, what is wrong, what is right.
    private func marks(_ image: CocoOutcomes.Image, _ size: ImageSize) -> [OverlayMark] {
        var marks: [OverlayMark] = []
        for object in image.objects {
            let annotation = truth.annotations[object.position]
            let isFound = (object.foundAt ?? -.infinity) >= score
            var mark = OverlayMark(box: annotation.box.map { Box($0) }, mask: nil, colour: (255, 255, 255))
            if object.isExcused {
                mark.colour = Palette.excused
            } else if !isFound {
                mark.colour = Palette.missed
                mark.isDashed = true
                mark.thickness = 2
                mark.label = label(object.classIndex, nil)
                // A mask that cannot be drawn is left out: scoring by masks refuses it.
                mark.mask = try? annotation.segmentation?.mask(size: size)
            }
            marks.append(mark)
        }
        let counted = image.detections.filter { $0.score >= score }.prefix(Self.markLimit)
        func add(_ colour: RGB, tint: Double = 0.35, _ isWanted: (CocoOutcomes.Outcome) -> Bool) {
            for detection in counted.reversed() where isWanted(detection.outcome) {
                let mask = try? results.segmentation(detection.position)?.mask(size: size)
                let box = results.box(detection.position).map { Box($0) } ?? mask?.box
                marks.append(
                    OverlayMark(
                        box: box, mask: mask, colour: colour, label: label(detection.classIndex, detection.score),
                        thickness: 2, tint: tint))
            }
        }
        add(Palette.excused) { $0 == .excused }
        // Wrong ones may be many in one place, which must stay visible.
        add(Palette.wrong, tint: 0.12) { $0 == .wrong }
        add(Palette.right) { $0 != .wrong && $0 != .excused }
        return marks
    }

    private func label(_ classIndex: Int, _ score: Double?) -> String {
        let name = String(names[classIndex].prefix(Self.nameLimit))
        return name + (score.map { " " + NumberText.fixed($0, digits: 2) } ?? "")
    }
}
