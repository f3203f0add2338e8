import Foundation
import Geometry
import Testing

@testable import DenseData

@Suite struct WindowGridTests {
    @Test(arguments: [(8, 8), (8, 5), (8, 1), (7, 3), (512, 341)])
    func windowsCoverEveryPixelAndNoMoreAreNeeded(_ crop: Int, _ stride: Int) {
        for height in [1, crop - 1, crop, crop + 1, 2 * crop + 3] {
            for width in [1, crop, crop + stride, 3 * crop] where height > 0 {
                let windows = WindowGrid(crop: crop, stride: stride).windows(
                    of: ImageSize(height: height, width: width))
                var covered = [Set<Int>(), Set<Int>()]
                for window in windows {
                    #expect(window.height == min(crop, height) && window.width == min(crop, width))
                    #expect(window.top >= 0 && window.top + window.height <= height)
                    #expect(window.left >= 0 && window.left + window.width <= width)
                    covered[0].formUnion(window.top..<window.top + window.height)
                    covered[1].formUnion(window.left..<window.left + window.width)
                }
                #expect(covered[0].count == height && covered[1].count == width)
                #expect(Set(windows).count == windows.count)
                if height <= crop && width <= crop { #expect(windows.count == 1) }
            }
        }
    }

    /// The sizes of ADE20K's validation pictures, resized as mmsegmentation does, short side 512 within 2048.
    @Test func windowsOfADE20KAreThoseOfTheReference() throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let path = "\(root)/../shared/data/seg/ade20k-odgt/validation.odgt"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            print("skipped: no ../shared/data")
            return
        }
        struct Entry: Decodable { var width, height: Int }
        let sizes = try text.split(whereSeparator: \.isNewline).map {
            try JSONDecoder().decode(Entry.self, from: Data($0.utf8))
        }
        #expect(sizes.count == 2000)
        #expect(sizes.count { $0.width == 256 && $0.height == 256 } == 326)
        func counts(stride: Int) -> [Int] {
            sizes.map { size in
                let scale = min(
                    512 / Double(min(size.width, size.height)), 2048 / Double(max(size.width, size.height)))
                let resized = ImageSize(
                    height: Int(Double(size.height) * scale + 0.5), width: Int(Double(size.width) * scale + 0.5))
                return WindowGrid(crop: 512, stride: stride).windows(of: resized).count
            }
        }
        let wide = counts(stride: 341)
        #expect((Double(wide.reduce(0, +)) / 2000 * 100).rounded() == 185)
        #expect((Double(counts(stride: 256).reduce(0, +)) / 2000 * 100).rounded() == 193)
        #expect(wide.max() == 4 && wide.count { $0 == 1 } == 347)
    }
}
