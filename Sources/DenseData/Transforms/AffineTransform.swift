import Foundation
import ImageFiles

/// Moves a picture by an affine map, as Pillow's `Image.transform(AFFINE)` does: the output's pixel centre `(x, y)` shows the
/// input at `(a x + b y + c, d x + e y + f)`; what lies outside shows a fill colour.
///
/// - Source: Pillow `Geometry.c`: neighbours are clamped to the picture, the bicubic kernel is that of a = -1, values are
///   rounded half up.
public struct AffineTransform: Sendable, Hashable {
    public enum Filter: Sendable, Hashable { case bilinear, bicubic }

    public var a, b, c, d, e, f: Double

    public init(_ a: Double, _ b: Double, _ c: Double, _ d: Double, _ e: Double, _ f: Double) {
        (self.a, self.b, self.c, self.d, self.e, self.f) = (a, b, c, d, e, f)
    }

    /// Counter-clockwise by `degrees` about the middle, as `Image.rotate`.
    public static func rotation(degrees: Double, height: Int, width: Int) -> AffineTransform {
        let angle = -degrees.truncatingRemainder(dividingBy: 360) * .pi / 180
        func rounded(_ value: Double) -> Double { (value * 1e15).rounded(.toNearestOrEven) / 1e15 }
        let (cosine, sine) = (rounded(cos(angle)), rounded(sin(angle)))
        let (x, y) = (Double(width) / 2, Double(height) / 2)
        return AffineTransform(
            cosine, sine, cosine * -x + sine * -y + x, -sine, cosine, -sine * -x + cosine * -y + y)
    }

    public func callAsFunction(_ picture: Picture, filter: Filter, fill: (UInt8, UInt8, UInt8)) -> Picture {
        let (height, width) = (picture.height, picture.width)
        var result = Picture(height: height, width: width, filledWith: fill)
        picture.pixels.withUnsafeBufferPointer { source in
            result.pixels.withUnsafeMutableBufferPointer { target in
                for row in 0..<height {
                    for column in 0..<width {
                        let (x, y) = (Double(column) + 0.5, Double(row) + 0.5)
                        let (u, v) = (a * x + b * y + c, d * x + e * y + f)
                        guard u >= 0, u < Double(width), v >= 0, v < Double(height) else { continue }
                        let place = target.baseAddress! + (row * width + column) * 3
                        switch filter {
                        case .bilinear: Self.bilinear(source, height, width, u - 0.5, v - 0.5, place)
                        case .bicubic: Self.bicubic(source, height, width, u - 0.5, v - 0.5, place)
                        }
                    }
                }
            }
        }
        return result
    }

    private static func clamped(_ index: Int, _ count: Int) -> Int { min(max(index, 0), count - 1) }

    private static func bilinear(
        _ source: UnsafeBufferPointer<UInt8>, _ height: Int, _ width: Int, _ u: Double, _ v: Double,
        _ place: UnsafeMutablePointer<UInt8>
    ) {
        let (left, top) = (Int(u.rounded(.down)), Int(v.rounded(.down)))
        let (dx, dy) = (u - Double(left), v - Double(top))
        let (x0, x1) = (clamped(left, width) * 3, clamped(left + 1, width) * 3)
        let first = clamped(top, height) * width * 3
        let second = top + 1 >= 0 && top + 1 < height ? (top + 1) * width * 3 : first
        for c in 0..<3 {
            let (p, q) = (Double(source[first + x0 + c]), Double(source[first + x1 + c]))
            let above = p + (q - p) * dx
            let (r, s) = (Double(source[second + x0 + c]), Double(source[second + x1 + c]))
            let below = r + (s - r) * dx
            place[c] = UInt8(above + (below - above) * dy)
        }
    }

    private static func bicubic(
        _ source: UnsafeBufferPointer<UInt8>, _ height: Int, _ width: Int, _ u: Double, _ v: Double,
        _ place: UnsafeMutablePointer<UInt8>
    ) {
        func cubic(_ v1: Double, _ v2: Double, _ v3: Double, _ v4: Double, _ d: Double) -> Double {
            let p1 = v2
            let p2 = -v1 + v3
            let p3 = 2 * (v1 - v2) + v3 - v4
            let p4 = -v1 + v2 - v3 + v4
            return p1 + d * (p2 + d * (p3 + d * p4))
        }
        let (left, top) = (Int(u.rounded(.down)), Int(v.rounded(.down)))
        let (dx, dy) = (u - Double(left), v - Double(top))
        let columns = (-1...2).map { clamped(left + $0, width) * 3 }
        for c in 0..<3 {
            var rows: [Double] = []
            for offset in -1...2 {
                let row = top + offset
                // A row outside shows the one before it; the first is clamped.
                if offset > -1, !(row >= 0 && row < height) {
                    rows.append(rows[rows.count - 1])
                    continue
                }
                let start = clamped(row, height) * width * 3 + c
                rows.append(
                    cubic(
                        Double(source[start + columns[0]]), Double(source[start + columns[1]]),
                        Double(source[start + columns[2]]), Double(source[start + columns[3]]), dx))
            }
            let value = cubic(rows[0], rows[1], rows[2], rows[3], dy)
            place[c] = value <= 0 ? 0 : value >= 255 ? 255 : UInt8(value)
        }
    }
}
