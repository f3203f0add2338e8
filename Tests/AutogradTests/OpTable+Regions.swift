import Autograd
import TensorCore
import TestSupport

/// Every sample of every bin by the tent formula; a sample outside by more than a pixel counts as zero.
func plainROIAlign(_ levels: [Plain], _ rois: [ROI], size: Int, sampling: Int, strides: [Int]) -> Plain {
    let channels = levels[0].shape[3]
    var y = Plain(zeros: [rois.count, size, size, channels])
    for (r, roi) in rois.enumerated() {
        let (map, s) = (levels[roi.level], Double(strides[roi.level]))
        let (x0, y0) = (roi.box.x0 / s - 0.5, roi.box.y0 / s - 0.5)
        let (binWidth, binHeight) = (
            (roi.box.x1 - roi.box.x0) / s / Double(size), (roi.box.y1 - roi.box.y0) / s / Double(size)
        )
        let across = sampling > 0 ? sampling : Int(binWidth.rounded(.up))
        let down = sampling > 0 ? sampling : Int(binHeight.rounded(.up))
        for by in 0..<size {
            for bx in 0..<size {
                for sy in 0..<down {
                    for sx in 0..<across {
                        let py = y0 + binHeight * (Double(by) + (Double(sy) + 0.5) / Double(down))
                        let px = x0 + binWidth * (Double(bx) + (Double(sx) + 0.5) / Double(across))
                        let (height, width) = (Double(map.shape[1]), Double(map.shape[2]))
                        if py < -1 || py > height || px < -1 || px > width { continue }
                        for c in 0..<channels {
                            y[r, by, bx, c] += plainSample(map, roi.image, c, py, px) / Double(across * down)
                        }
                    }
                }
            }
        }
    }
    return y
}

extension OpTable {
    private static let boxes: [(Double, Double, Double, Double)] = [
        (8, 12, 40, 52),  // inside
        (0, 0, 64, 48),  // the whole picture
        (-20.5, -9, 22, 30),  // partly outside, top left
        (50, 40, 90, 75.5),  // partly outside, bottom right
        (33.3, 21.7, 34.1, 22.2),  // tiny
        (5.25, 7.75, 58.5, 11),  // flat
        (-100, -90, 300, 280),  // far larger than the picture
        (200, 200, 220, 230),  // outside
        (10, 10, 10, 30),  // no width
    ]

    static let regions: [OpCase] = [0, 1, 2, 3].map { sampling in
        let rois: [ROI] = boxes.enumerated().map { ROI(image: ($0 + 1) % 2, level: $0 % 3 == 2 ? 1 : 0, box: $1) }
        return OpCase(
            "roiAlign sampling \(sampling)", roundings: 256,
            inputs: { [$0.normal(2, 12, 16, 3), $0.normal(2, 6, 8, 3)] },
            apply: { .roiAlign(levels: $0, rois: rois, size: 3, samplingRatio: sampling, strides: [4, 8]) }
        ) { plainROIAlign($0, rois, size: 3, sampling: sampling, strides: [4, 8]) }
    }
}
