/// Outer contours of a bitmap mask, as COCO users have them: one polygon for each 4-connected part, holes left out.
enum MaskOutline {
    /// Polygons `[x0, y0, x1, y1, …]` in pixel-corner coordinates, clockwise from each part's topmost leftmost corner,
    /// straight runs merged; parts in raster order. Filling them gives the mask with its holes closed.
    static func polygons(of mask: [UInt8], height: Int, width: Int) -> [[Int]] {
        var parts = [Int32](repeating: 0, count: mask.count)
        var polygons: [[Int]] = []
        for start in mask.indices where mask[start] != 0 && parts[start] == 0 {
            let part = Int32(polygons.count + 1)
            flood(from: start, as: part, mask, &parts, height, width)
            polygons.append(trace(from: start, part, parts, height, width))
        }
        return polygons
    }

    private static func flood(
        from start: Int, as part: Int32, _ mask: [UInt8], _ parts: inout [Int32], _ height: Int, _ width: Int
    ) {
        var waiting = [start]
        parts[start] = part
        while let pixel = waiting.popLast() {
            let (x, y) = (pixel % width, pixel / width)
            func visit(_ next: Int) {
                if mask[next] != 0 && parts[next] == 0 {
                    parts[next] = part
                    waiting.append(next)
                }
            }
            if x > 0 { visit(pixel - 1) }
            if x + 1 < width { visit(pixel + 1) }
            if y > 0 { visit(pixel - width) }
            if y + 1 < height { visit(pixel + width) }
        }
    }

    /// Walks along pixel edges with the part on the right hand; diagonal neighbours stay apart.
    private static func trace(from start: Int, _ part: Int32, _ parts: [Int32], _ height: Int, _ width: Int) -> [Int] {
        func inside(_ x: Int, _ y: Int) -> Bool {
            x >= 0 && y >= 0 && x < width && y < height && parts[y * width + x] == part
        }
        let steps = [(1, 0), (0, 1), (-1, 0), (0, -1)]
        // Pixels ahead on the left and on the right of a corner, for each heading: east, south, west, north.
        let left = [(0, -1), (0, 0), (-1, 0), (-1, -1)]
        let right = [(0, 0), (-1, 0), (-1, -1), (0, -1)]
        var (x, y, heading) = (start % width, start / width, 0)
        let origin = (x, y)
        var polygon = [x, y]
        repeat {
            x += steps[heading].0
            y += steps[heading].1
            var turned = heading
            if !inside(x + right[heading].0, y + right[heading].1) {
                turned = (heading + 1) % 4
            } else if inside(x + left[heading].0, y + left[heading].1) {
                turned = (heading + 3) % 4
            }
            if turned != heading && (x, y) != origin { polygon += [x, y] }
            heading = turned
        } while (x, y) != origin || heading != 0
        return polygon
    }

    /// Column-major run lengths starting with the zeros: COCO's uncompressed RLE.
    static func columnRuns(of mask: [UInt8], height: Int, width: Int) -> [Int] {
        var runs: [Int] = []
        var (current, length): (UInt8, Int) = (0, 0)
        for x in 0..<width {
            for y in 0..<height {
                let value = mask[y * width + x]
                if value != current {
                    runs.append(length)
                    (current, length) = (value, 0)
                }
                length += 1
            }
        }
        runs.append(length)
        return runs
    }
}
