import Autograd
import TensorCore
import TestSupport

extension DrawnOp {
    /// A length from that of one window on.
    private static func side(_ maker: inout TensorMaker, from least: Int) -> Int { max(1, least) + maker.size(0...5) }

    private static func map(_ maker: inout TensorMaker) -> [Int] {
        [maker.size(1...2), maker.size(1...7), maker.size(1...7), maker.size(1...4)]
    }

    static let images: [DrawnOp] = [
        DrawnOp("conv2d") { maker in
            let (kernel, stride, padding) = (maker.size(1...4), maker.size(1...3), maker.size(0...2))
            let (input, output, biased) = (maker.size(1...4), maker.size(1...4), maker.chance(0.6))
            let height = side(&maker, from: kernel - 2 * padding)
            let width = side(&maker, from: kernel - 2 * padding)
            let relu = maker.chance(0.25)
            return OpCase(
                "conv2d \(height)x\(width), \(kernel)x\(kernel) stride \(stride) padding \(padding), \(input) to \(output)",
                roundings: 2 * kernel * kernel * max(input, output) + 2 * height * width + 64,
                inputs: {
                    [$0.normal(2, height, width, input), $0.normal(output, input, kernel, kernel)]
                        + (biased ? [$0.normal(output)] : [])
                },
                apply: {
                    $0[0].conv2d(
                        $0[1], biased ? $0[2] : nil, stride: stride, padding: padding,
                        activation: relu ? .relu : .none)
                }
            ) {
                plainConvolution($0[0], $0[1], biased ? $0[2] : nil, stride: stride, padding: padding)
                    .map { relu ? max($0, 0) : $0 }
            }
        },
        DrawnOp("patches") { maker in
            let (kernel, stride, padding) = (maker.size(1...4), maker.size(1...3), maker.size(0...2))
            let shape = [
                maker.size(1...2), side(&maker, from: kernel - 2 * padding), side(&maker, from: kernel - 2 * padding),
                maker.size(1...4),
            ]
            return OpCase(
                "patches of \(shape), \(kernel)x\(kernel) stride \(stride) padding \(padding)", roundings: 32,
                inputs: { [$0.normal(shape)] },
                apply: { $0[0].patches(kernel: kernel, stride: stride, padding: padding) }
            ) { plainPatches($0[0], kernel: kernel, stride: stride, padding: padding) }
        },
        DrawnOp("convTranspose2x2") { maker in
            let (shape, output, biased) = (map(&maker), maker.size(1...5), maker.chance(0.5))
            return OpCase(
                "convTranspose2x2 of \(shape) to \(output), bias \(biased)",
                roundings: 64 + 8 * shape.reduce(1, *),
                inputs: {
                    [$0.normal(shape), $0.normal(shape[3], output, 2, 2)] + (biased ? [$0.normal(output)] : [])
                }, apply: { $0[0].convTranspose2x2($0[1], biased ? $0[2] : nil) }
            ) { plainTransposed($0[0], $0[1], biased ? $0[2] : nil) }
        },
        DrawnOp("resizedBilinear") { maker in
            let (shape, height, width) = (map(&maker), maker.size(1...9), maker.size(1...9))
            return OpCase(
                "resizedBilinear \(shape) to \(height)x\(width)", roundings: 128, inputs: { [$0.normal(shape)] },
                apply: { $0[0].resizedBilinear(to: (height, width)) }
            ) { plainBilinear($0[0], height, width) }
        },
        DrawnOp("resizedBicubic") { maker in
            let shape = Array(map(&maker).dropFirst())
            let (height, width) = (maker.size(1...9), maker.size(1...9))
            return OpCase(
                "resizedBicubic \(shape) to \(height)x\(width)", roundings: 128, inputs: { [$0.normal(shape)] },
                apply: { $0[0].resizedBicubic(to: (height, width)) }
            ) {
                var y = plainBicubic(Plain([1] + $0[0].shape, $0[0].values), height, width)
                y.shape.removeFirst()
                return y
            }
        },
        DrawnOp("adaptiveAveragePool") { maker in
            let (shape, rows, columns) = (map(&maker), maker.size(1...8), maker.size(1...8))
            return OpCase(
                "adaptiveAveragePool \(shape) to \(rows)x\(columns)", roundings: 128, inputs: { [$0.normal(shape)] },
                apply: { $0[0].adaptiveAveragePool(to: (rows, columns)) }
            ) { plainAdaptivePool($0[0], rows, columns) }
        },
        DrawnOp("maxPool") { maker in
            let (size, stride) = (maker.size(1...4), maker.size(1...4))
            let shape = [
                maker.size(1...2), side(&maker, from: size), side(&maker, from: size), maker.size(1...4),
            ]
            return OpCase(
                "maxPool \(size) stride \(stride) of \(shape)", inputs: { [$0.distinct(shape)] },
                apply: { $0[0].maxPool(size: size, stride: stride) }
            ) { plainMaxPool($0[0], size: size, stride: stride) }
        },
        DrawnOp("roiAlign") { maker in
            let (pictures, channels, size) = (maker.size(1...2), maker.size(1...3), maker.size(1...4))
            let levels = [
                [pictures, maker.size(2...8), maker.size(2...8), channels],
                [pictures, maker.size(1...4), maker.size(1...4), channels],
            ]
            let sampling = maker.size(0...3)
            let rois: [ROI] = (0..<maker.size(1...4)).map { _ in
                let corner = maker.uniform(2, in: -12...36).doubles()
                let extent = maker.uniform(2, in: 0...40).doubles()
                return ROI(
                    image: maker.size(0...pictures - 1), level: maker.size(0...1),
                    box: (corner[0], corner[1], corner[0] + extent[0], corner[1] + extent[1]))
            }
            return OpCase(
                "roiAlign \(levels), \(rois.count) boxes, size \(size), sampling \(sampling)", roundings: 512,
                inputs: { maker in levels.map { maker.normal($0) } },
                apply: { .roiAlign(levels: $0, rois: rois, size: size, samplingRatio: sampling, strides: [4, 8]) }
            ) { plainROIAlign($0, rois, size: size, sampling: sampling, strides: [4, 8]) }
        },
    ]
}
