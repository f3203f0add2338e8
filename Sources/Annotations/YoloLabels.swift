import Geometry
import SafeFiles

/// The lines of a YOLO text file: class, then a box or an outline in shares of the picture, then in predictions a score.
///
/// A line of truth has five numbers (`class cx cy w h`) or an odd number from seven (`class x1 y1 x2 y2 …`); a line of
/// predictions one more, the score. Class `k` is category `k`.
///
/// - Source: Ultralytics' data set format for detection and segmentation.
public enum YoloLabels {
    /// One object, in pixels of its picture.
    public struct Object: Sendable, Hashable {
        public var categoryID: Int64
        public var box: CocoBox
        /// Pairs x, y; nil where the line gives a box.
        public var outline: [Double]?
        /// Nil in files of truth.
        public var score: Double?
    }

    /// - Parameters:
    ///   - size: of the picture.
    ///   - hasScores: whether the file holds predictions.
    /// - Throws: `DataError` naming the line.
    public static func parse(
        _ text: String, file: String, size: ImageSize, hasScores: Bool
    ) throws(DataError) -> [Object] {
        var objects: [Object] = []
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let fields = line.split(whereSeparator: \.isWhitespace)
            if fields.isEmpty { continue }
            func refuse(_ expected: String, _ found: String) -> DataError {
                DataError(
                    .malformed, file: file, record: "line \(number + 1)", expected: expected, found: found,
                    remedy: hasScores ? "write class, box and score of each prediction" : "correct the line")
            }
            var numbers: [Double] = []
            for field in fields {
                guard let value = Double(field), value.isFinite else { throw refuse("numbers", "\"\(field)\"") }
                numbers.append(value)
            }
            var score: Double?
            if hasScores, numbers.count >= 6 { score = numbers.removeLast() }
            guard numbers.count == 5 || numbers.count >= 7 && numbers.count % 2 == 1, !hasScores || score != nil else {
                throw refuse(
                    hasScores
                        ? "class, cx, cy, w, h and score, or class, an outline and score"
                        : "class, cx, cy, w and h, or class and an outline", "\(fields.count) numbers")
            }
            guard numbers[0] >= 0, numbers[0] < 1e9, let category = Int64(exactly: numbers[0]) else {
                throw refuse("a class number from 0", "\(fields[0])")
            }
            let (width, height) = (Double(size.width), Double(size.height))
            if numbers.count == 5 {
                let (w, h) = (numbers[3] * width, numbers[4] * height)
                let box = CocoBox(x: numbers[1] * width - w / 2, y: numbers[2] * height - h / 2, width: w, height: h)
                objects.append(Object(categoryID: category, box: box, score: score))
            } else {
                var outline = Array(numbers.dropFirst())
                for index in outline.indices { outline[index] *= index % 2 == 0 ? width : height }
                objects.append(
                    Object(categoryID: category, box: bounds(outline), outline: outline, score: score))
            }
        }
        return objects
    }

    private static func bounds(_ outline: [Double]) -> CocoBox {
        let xs = stride(from: 0, to: outline.count, by: 2).map { outline[$0] }
        let ys = stride(from: 1, to: outline.count, by: 2).map { outline[$0] }
        let (x0, y0) = (xs.min() ?? 0, ys.min() ?? 0)
        return CocoBox(x: x0, y: y0, width: (xs.max() ?? 0) - x0, height: (ys.max() ?? 0) - y0)
    }
}
