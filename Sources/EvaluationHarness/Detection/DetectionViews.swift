import DenseData
import Determinism
import Geometry
import SafeFiles

/// What a detection model is shown in training: a square with a part of it filled.
public enum DetectionViews: Sendable, Equatable {
    case jitter(LargeScaleJitter)
    case multiScale(MultiScaleView)

    private enum Kind: String, CaseIterable { case jitter, multi_scale }

    /// Reads the section `views` of a recipe.
    ///
    /// - Parameter size: the side of the square.
    init(_ reader: RecipeReader, size: Int) throws(DataError) {
        let flip = try reader.double("flip", in: 0...1, default: 0.5)
        switch try reader.choice("kind", default: Kind.jitter) {
        case .jitter:
            self = .jitter(
                LargeScaleJitter(
                    size: size, factor: try reader.range("scale", in: 0.01...100, default: 0.6...1.4),
                    mirrorProbability: flip))
        case .multi_scale:
            let longSide = try reader.int("long_side", in: 8...size, default: size)
            let crop = try reader.optionalMap("crop").map { map throws(DataError) in
                MultiScaleView.Crop(
                    probability: try map.double("probability", in: 0...1, default: 0.5),
                    shortSides: try Self.sides(map, size: 65_536), size: try Self.lengths(map))
            }
            self = .multiScale(
                MultiScaleView(
                    shortSides: try Self.sides(reader, size: size), longSide: longSide, crop: crop,
                    mirrorProbability: flip, size: size))
        }
    }

    private static func sides(_ reader: RecipeReader, size: Int) throws(DataError) -> [Int] {
        let sides: [Int] = try reader.value("short_sides")
        guard !sides.isEmpty, sides.allSatisfy({ (1...size).contains($0) }) else {
            throw reader.refused(
                "short_sides", expected: "one or more from 1 to \(size)", found: "\(sides)", "correct the list")
        }
        return sides
    }

    private static func lengths(_ reader: RecipeReader) throws(DataError) -> ClosedRange<Int> {
        let lengths: [Int] = try reader.value("size")
        guard lengths.count == 2, lengths[0] >= 1, lengths[0] <= lengths[1], lengths[1] <= 65_536 else {
            throw reader.refused(
                "size", expected: "[smallest, largest] in pixels", found: "\(lengths)", "write size: [384, 600]")
        }
        return lengths[0]...lengths[1]
    }

    func framing(of picture: ImageSize, _ stream: inout RandomStream) -> Framing {
        switch self {
        case .jitter(let jitter): jitter.framing(of: picture, &stream)
        case .multiScale(let views): views.framing(of: picture, &stream)
        }
    }

    /// For a protocol.
    var words: String {
        switch self {
        case .jitter(let jitter):
            "square of \(jitter.size), scale \(jitter.factor.lowerBound)-\(jitter.factor.upperBound), "
                + "flip \(jitter.mirrorProbability)"
        case .multiScale(let views):
            "short side of \(views.shortSides.map(String.init).joined(separator: ", ")), long side at most "
                + "\(views.longSide), padded to a square of \(views.size), flip \(views.mirrorProbability)"
                + (views.crop.map {
                    ", crop with probability \($0.probability): \($0.size.lowerBound) to \($0.size.upperBound) at a short "
                        + "side of \($0.shortSides.map(String.init).joined(separator: ", "))"
                } ?? "")
        }
    }
}
