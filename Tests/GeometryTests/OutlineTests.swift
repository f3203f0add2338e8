import Determinism
import Geometry
import TestSupport
import Testing

/// The fast loops over outlines against plain ones.
@Suite struct OutlineTests {
    /// COCO's rasteriser as its source has it: every point of the outline, five to a pixel.
    private func everyPoint(_ xy: [Double], _ size: ImageSize) -> [UInt32] {
        let fine = xy.map { Int(5 * $0 + 0.5) }
        var points: [(u: Int, v: Int)] = []
        for j in 0..<fine.count / 2 {
            let k = (j + 1) % (fine.count / 2)
            var (x0, y0, x1, y1) = (fine[2 * j], fine[2 * j + 1], fine[2 * k], fine[2 * k + 1])
            let (dx, dy) = (abs(x1 - x0), abs(y1 - y0))
            if dx == 0 && dy == 0 { continue }
            let flip = dx >= dy ? x0 > x1 : y0 > y1
            if flip { (x0, x1, y0, y1) = (x1, x0, y1, y0) }
            for d in 0...max(dx, dy) {
                let t = flip ? max(dx, dy) - d : d
                let slope = dx >= dy ? Double(y1 - y0) / Double(dx) : Double(x1 - x0) / Double(dy)
                points.append(
                    dx >= dy
                        ? (t + x0, Int(Double(y0) + slope * Double(t) + 0.5))
                        : (Int(Double(x0) + slope * Double(t) + 0.5), t + y0))
            }
        }
        var positions = [UInt32(size.pixelCount)]
        for (a, b) in zip(points, points.dropFirst()) where a.u != b.u {
            let x = (Double(min(a.u, b.u)) + 0.5) / 5 - 0.5
            guard x == x.rounded(.down), x >= 0, x <= Double(size.width - 1) else { continue }
            let y = min(max((Double(min(a.v, b.v)) + 0.5) / 5 - 0.5, 0), Double(size.height)).rounded(.up)
            positions.append(UInt32(Int(x) * size.height + Int(y)))
        }
        positions.sort()
        let steps = zip(positions, [0] + positions).map { $0 - $1 }
        var runs = [steps[0]]
        var at = 1
        while at < steps.count {
            if steps[at] > 0 {
                runs.append(steps[at])
            } else {
                at += 1
                if at < steps.count { runs[runs.count - 1] += steps[at] }
            }
            at += 1
        }
        return runs
    }

    @Test func polygonsEqualTheVisitOfEveryPoint() {
        for number in 0..<400 {
            var stream = RandomStream(seed: 3, purpose: "outlines", UInt64(number))
            let size = ImageSize(height: 1 + stream.int(below: 60), width: 1 + stream.int(below: 70))
            let count = 1 + stream.int(below: 12)
            // Some far outside, some on a coarse grid (equal points, level and upright edges).
            let spread = number % 3 == 0 ? 200.0 : 90.0
            let grid = number % 4 == 0 ? 0.2 : number % 4 == 1 ? 10.0 : 0.001
            let xy = (0..<2 * count).map { _ in (((stream.uniform() - 0.2) * spread) / grid).rounded() * grid }
            #expect(
                RLEMask(polygon: xy, size: size).runs == everyPoint(xy, size), "polygon \(number): \(xy) in \(size)")
        }
    }

    /// Erosion by looking at every neighbour.
    private func band(_ mask: BinaryMask, _ distance: Int) -> BinaryMask {
        let size = mask.size
        var result = mask
        for y in 0..<size.height {
            for x in 0..<size.width {
                let isInner = (y - distance...y + distance).allSatisfy { ny in
                    (x - distance...x + distance).allSatisfy { nx in
                        ny >= 0 && nx >= 0 && ny < size.height && nx < size.width && mask[ny, nx]
                    }
                }
                if isInner { result.pixels[y * size.width + x] = 0 }
            }
        }
        return result
    }

    @Test func boundariesEqualTheErosionOfBitmaps() {
        for number in 0..<120 {
            var stream = RandomStream(seed: 4, purpose: "bands", UInt64(number))
            let size = ImageSize(height: 1 + stream.int(below: 40), width: 1 + stream.int(below: 40))
            var mask = BinaryMask(size: size, pixels: [UInt8](repeating: 0, count: size.pixelCount))
            for _ in 0..<stream.int(below: 4) {
                let (y, x) = (stream.int(below: size.height), stream.int(below: size.width))
                for i in y..<min(size.height, y + 1 + stream.int(below: 30)) {
                    for j in x..<min(size.width, x + 25) { mask.pixels[i * size.width + j] = 1 }
                }
            }
            if number % 5 == 0 { for i in mask.pixels.indices where stream.int(below: 20) == 0 { mask.pixels[i] ^= 1 } }
            let ratio = [0.02, 0.06, 0.12][number % 3]
            let (h, w) = (Double(size.height), Double(size.width))
            let distance = max(1, Int((ratio * (h * h + w * w).squareRoot()).rounded(.toNearestOrEven)))
            #expect(mask.rle.boundary(ratio: ratio) == band(mask, distance).rle, "mask \(number)")
        }
    }

    @Test func unusualRunsHaveBoundaries() {
        let size = ImageSize(height: 4, width: 3)
        #expect(RLEMask(size: size, runs: []).boundary().runs == [12])
        #expect(RLEMask(size: size, runs: [0, 12]).boundary(ratio: 0.1).runs == [0, 5, 2, 5])
        // Empty runs inside, and more pixels than the picture has.
        #expect(RLEMask(size: size, runs: [0, 3, 0, 9, 0, 7]).boundary(ratio: 0.1).runs == [0, 5, 2, 5])
        #expect(RLEMask(size: ImageSize(height: 0, width: 0), runs: [0]).boundary().runs == [0])
    }
}
