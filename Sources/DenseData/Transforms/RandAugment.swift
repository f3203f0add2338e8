import Determinism
import ImageFiles

/// Two random changes of a picture out of fifteen, each with probability 1/2, at a random strength.
///
/// - Source: Cubuk et al. 2020, arXiv:1909.13719, in timm's form `rand-m9-mstd0.5-inc1` (MAE, DeiT, MAE-Lite): every
///   change grows with the strength; geometry is bilinear or bicubic by a coin and fills with the mean colour.
public struct RandAugment: Sendable, Hashable {
    /// In the order of timm's list.
    public enum Change: Int, CaseIterable, Sendable {
        case autoContrast, equalize, invert, rotate, posterize, solarize, solarizeAdd, colour, contrast, brightness
        case sharpness, shearX, shearY, translateX, translateY
    }

    /// Mean strength of 0...10.
    public var magnitude: Double
    /// Of the normal draw around it.
    public var deviation: Double
    public var layers: Int
    public var probability: Double
    private static let fill: (UInt8, UInt8, UInt8) = (124, 116, 104)

    public init(magnitude: Double = 9, deviation: Double = 0.5, layers: Int = 2, probability: Double = 0.5) {
        precondition((0...10).contains(magnitude) && deviation >= 0 && layers >= 0, "RandAugment of \(magnitude)")
        self.magnitude = magnitude
        self.deviation = deviation
        self.layers = layers
        self.probability = probability
    }

    public func apply(to picture: inout Picture, _ stream: inout RandomStream) {
        for _ in 0..<layers {
            let change = Change.allCases[stream.int(below: Change.allCases.count)]
            guard stream.chance(probability) else { continue }
            let level = min(max(magnitude + deviation * stream.normal(), 0), 10)
            Self.apply(
                change, level: level, isNegated: stream.chance(0.5),
                filter: stream.chance(0.5) ? .bilinear : .bicubic, to: &picture)
        }
    }

    /// One change at a strength of 0...10.
    ///
    /// - Parameter isNegated: the other way, for changes that have two.
    public static func apply(
        _ change: Change, level: Double, isNegated: Bool, filter: AffineTransform.Filter, to picture: inout Picture
    ) {
        let share = level / 10
        let sign = isNegated ? -1.0 : 1
        let enhancement = max(0.1, 1 + sign * share * 0.9)
        func move(_ transform: AffineTransform) { picture = transform(picture, filter: filter, fill: fill) }
        switch change {
        case .autoContrast: PictureEnhancement.autoContrast(&picture)
        case .equalize: PictureEnhancement.equalize(&picture)
        case .invert: PictureEnhancement.invert(&picture)
        case .posterize: PictureEnhancement.posterize(&picture, bits: 4 - Int(share * 4))
        case .solarize: PictureEnhancement.solarize(&picture, threshold: 256 - min(256, Int(share * 256)))
        case .solarizeAdd: PictureEnhancement.solarizeAdd(&picture, amount: min(128, Int(share * 110)))
        case .colour: PictureEnhancement.colour(&picture, factor: enhancement)
        case .contrast: PictureEnhancement.contrast(&picture, factor: enhancement)
        case .brightness: PictureEnhancement.brightness(&picture, factor: enhancement)
        case .sharpness: PictureEnhancement.sharpness(&picture, factor: enhancement)
        case .rotate:
            let degrees = sign * share * 30
            if degrees == 0 { return }
            move(.rotation(degrees: degrees, height: picture.height, width: picture.width))
        case .shearX: move(AffineTransform(1, sign * share * 0.3, 0, 0, 1, 0))
        case .shearY: move(AffineTransform(1, 0, 0, sign * share * 0.3, 1, 0))
        case .translateX: move(AffineTransform(1, 0, sign * share * 0.45 * Double(picture.width), 0, 1, 0))
        case .translateY: move(AffineTransform(1, 0, 0, 0, 1, sign * share * 0.45 * Double(picture.height)))
        }
    }
}
