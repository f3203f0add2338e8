import CKernels
import Determinism
import TensorCore

/// A region of interest: which picture, which pyramid level, and a box in input pixels.
public struct ROI: Sendable, Equatable {
    public var image: Int
    public var level: Int
    /// `(x0, y0, x1, y1)`, continuous coordinates.
    public var box: (x0: Double, y0: Double, x1: Double, y1: Double)

    public init(image: Int, level: Int, box: (x0: Double, y0: Double, x1: Double, y1: Double)) {
        self.image = image
        self.level = level
        self.box = box
    }

    public static func == (a: ROI, b: ROI) -> Bool { a.image == b.image && a.level == b.level && a.box == b.box }

    /// Unshifted regions are at least one map pixel wide and high.
    func onMap(stride: Int, aligned: Bool) -> [Double] {
        let scale = 1 / Double(stride)
        let corners = [box.x0, box.y0, box.x1, box.y1].map { $0 * scale - (aligned ? 0.5 : 0) }
        if aligned { return corners }
        return [corners[0], corners[1], max(corners[2], corners[0] + 1), max(corners[3], corners[1] + 1)]
    }
}

extension Variable {
    /// Bilinear samples of regions on their pyramid level, averaged in `size × size` bins.
    ///
    /// - Parameters:
    ///   - levels: maps `(N, H, W, C)`, one a level.
    ///   - strides: input pixels a map pixel, one a level.
    ///   - samplingRatio: samples a bin and axis; 0 takes one per started map pixel.
    ///   - aligned: whether samples are shifted by half a map pixel, so that pixel centres lie at halves.
    /// - Returns: `(rois.count, size, size, C)`.
    /// - Source: He et al. 2017, arXiv:1703.06870, §3; the `aligned` of torchvision and detectron2.
    public static func roiAlign(
        levels: [Variable], rois: [ROI], size: Int, samplingRatio: Int = 0, aligned: Bool = true, strides: [Int]
    ) -> Variable {
        precondition(levels.count == strides.count && !levels.isEmpty, "roiAlign: \(levels.count) levels")
        let channels = levels[0].shape[3]
        let (dtype, bytes) = (levels[0].value.dtype, levels[0].value.dtype.size)
        let shapes = levels.map(\.shape)
        precondition(
            shapes.allSatisfy { $0.count == 4 && $0[3] == channels }
                && rois.allSatisfy { $0.level < levels.count && $0.image < shapes[$0.level][0] }, "roiAlign: \(shapes)")
        let cell = size * size * channels
        let y = Tensor(uninitialized: [rois.count, size, size, channels], dtype)
        let table = Kernels.table(dtype)
        let maps = levels.map(\.value.raw)
        let yp = y.raw
        func plane(_ roi: ROI) -> Int { roi.image * shapes[roi.level][1] * shapes[roi.level][2] * channels * bytes }
        Parallel.forEachRange(rois.count, grain: 8) { range in
            for r in range {
                let roi = rois[r]
                table.pointee.roi_align(
                    yp + r * cell * bytes, maps[roi.level] + plane(roi), shapes[roi.level][1], shapes[roi.level][2],
                    channels, roi.onMap(stride: strides[roi.level], aligned: aligned), size, samplingRatio)
            }
        }
        let tracked = levels.map(\.isTracked)
        return .record(y, from: levels) { dy in
            let gradients = zip(shapes, tracked).map { $1 ? Tensor.zeros($0, dtype) : nil }
            let targets = gradients.map { $0?.raw }
            let dyp = dy.raw
            // Regions of one picture share its maps: pictures and parts of the channels in parallel, regions in order.
            let byImage = Dictionary(grouping: rois.indices, by: { rois[$0].image })
            let images = byImage.keys.sorted()
            let parts = (channels + gradientChannels - 1) / gradientChannels
            Parallel.forEach(images.count * parts) { task in
                let first = task % parts * gradientChannels
                let count = min(gradientChannels, channels - first)
                for r in byImage[images[task / parts]]! {
                    let roi = rois[r]
                    guard let target = targets[roi.level] else { continue }
                    table.pointee.roi_align_backward(
                        target + plane(roi) + first * bytes, dyp + (r * cell + first) * bytes, shapes[roi.level][1],
                        shapes[roi.level][2], channels, count,
                        roi.onMap(stride: strides[roi.level], aligned: aligned), size, samplingRatio)
                }
            }
            return gradients
        }
    }
}

/// Channels whose gradient one task adds up.
private let gradientChannels = 64
