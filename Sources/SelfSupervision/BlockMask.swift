import Determinism
import Foundation

/// Masks made of rectangles, as BEiT and iBOT draw them.
public enum BlockMask {
    /// Patch indices of rectangles with aspect between 0.3 and 1/0.3 until `count` patches are covered.
    ///
    /// - Source: Bao et al. 2022, arXiv:2106.08254, algorithm 1.
    public static func draw(grid: (height: Int, width: Int), count: Int, _ stream: inout RandomStream) -> [Int32] {
        var covered = [Bool](repeating: false, count: grid.height * grid.width)
        var left = min(count, covered.count)
        var tries = 0
        while left > 0 && tries < 100 {
            tries += 1
            let area = stream.uniform(Double(min(4, left))...Double(max(left, 4)))
            let aspect = exp(stream.uniform(log(0.3)...log(1 / 0.3)))
            let height = min(max(Int((area * aspect).squareRoot().rounded()), 1), grid.height)
            let width = min(max(Int((area / aspect).squareRoot().rounded()), 1), grid.width)
            let top = stream.int(below: grid.height - height + 1)
            let start = stream.int(below: grid.width - width + 1)
            for y in top..<top + height {
                for x in start..<start + width where left > 0 && !covered[y * grid.width + x] {
                    covered[y * grid.width + x] = true
                    left -= 1
                }
            }
        }
        // Rectangles rarely meet the last gaps: single patches fill them.
        for patch in stream.permutation(covered.count) where left > 0 && !covered[patch] {
            covered[patch] = true
            left -= 1
        }
        return covered.indices.filter { covered[$0] }.map(Int32.init)
    }
}
