import Annotations
import Geometry
import SafeFiles

/// An object of a framed picture: the training target of a detector.
public struct FramedObject: Sendable, Hashable {
    public var id: Int64
    public var label: Int
    /// Tight around the visible mask where there is one, else the moved box; inside the content.
    public var box: Box
    public var isCrowd: Bool
    /// In the result's coordinates; empty for objects given as run lengths or without a mask.
    public var polygons: [Polygon]
    /// At the result's size; nil for objects without a mask.
    public var mask: RLEMask?
}

extension Framing {
    /// Moves an object of the source picture; nil when the frame cuts it away.
    ///
    /// Polygons move as polygons and are drawn at the result's size; run lengths move as bitmaps. Boxes are recomputed
    /// from the masks, as detectron2 does after cropping, so that a cut object has the box of what is left.
    ///
    /// - Parameters:
    ///   - size: of the source picture.
    ///   - file: the instances file, for messages.
    /// - Throws: `.malformed` for an outline that cannot be drawn or a mask of another size.
    public func object(
        _ object: DetectionObject, of size: ImageSize, in file: String
    ) throws(DataError) -> FramedObject? {
        func refusal(_ expected: String, _ found: String) -> DataError {
            DataError(
                .malformed, file: file, record: "annotation \(object.id)", expected: expected, found: found,
                remedy: "mend the annotation or leave it out")
        }
        guard let box = box(object.box) else { return nil }
        var framed = FramedObject(
            id: object.id, label: object.label, box: box, isCrowd: object.isCrowd, polygons: [], mask: nil)
        switch object.segmentation {
        case nil:
            return framed
        case .rle(let mask):
            guard mask.size == size, mask.isComplete else {
                throw refusal("a mask of the picture's size \(size)", "\(mask.size), \(mask.area) pixels")
            }
            framed.mask = self.mask(mask.bitmap).rle
        case .polygons(let parts):
            do throws(CocoSegmentation.DrawingError) {
                _ = try CocoSegmentation.polygons(parts).mask(size: size)
            } catch {
                throw refusal(error.expected, error.found)
            }
            framed.polygons = parts.filter { $0.count >= 6 }.map { polygon(Polygon($0)) }
            guard !framed.polygons.isEmpty else { return framed }
            framed.mask = Polygon.mask(framed.polygons, size: output)
        }
        guard let mask = framed.mask, mask.area > 0 else { return nil }
        framed.box = mask.box.intersection(content)
        return framed.box.width > 0 && framed.box.height > 0 ? framed : nil
    }
}
