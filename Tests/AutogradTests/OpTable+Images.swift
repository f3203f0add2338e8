import Autograd
import TensorCore
import TestSupport

extension OpTable {
    private static let convolutions: [OpCase] = [
        (3, 5, 3, 1, 1, 6, 7), (4, 3, 3, 2, 1, 7, 6), (6, 4, 1, 1, 0, 4, 5), (3, 2, 1, 2, 0, 5, 6),
        (3, 7, 4, 4, 0, 8, 12),
        (2, 3, 5, 3, 2, 9, 8), (1, 1, 2, 1, 0, 2, 3), (30, 35, 3, 1, 1, 9, 10),
    ].map { input, output, kernel, stride, padding, height, width in
        OpCase(
            "conv2d \(kernel)x\(kernel) stride \(stride) padding \(padding), \(input) to \(output)",
            roundings: 2 * kernel * kernel * max(input, output) + 32,
            inputs: {
                [$0.normal(2, height, width, input), $0.normal(output, input, kernel, kernel), $0.normal(output)]
            }, apply: { $0[0].conv2d($0[1], $0[2], stride: stride, padding: padding) }
        ) { plainConvolution($0[0], $0[1], $0[2], stride: stride, padding: padding) }
    }

    private static let resizes: [OpCase] = [(3, 5, 7, 11), (9, 8, 4, 3), (4, 9, 10, 5), (1, 1, 3, 2), (5, 1, 1, 4)]
        .flatMap {
            height, width, newHeight, newWidth in
            let name = "\(height)x\(width) to \(newHeight)x\(newWidth)"
            return [
                OpCase(
                    "resizedBilinear \(name)", roundings: 64, inputs: { [$0.normal(2, height, width, 3)] },
                    apply: { $0[0].resizedBilinear(to: (newHeight, newWidth)) }
                ) { plainBilinear($0[0], newHeight, newWidth) },
                OpCase(
                    "resizedBicubic \(name)", roundings: 64, inputs: { [$0.normal(height, width, 3)] },
                    apply: { $0[0].resizedBicubic(to: (newHeight, newWidth)) }
                ) {
                    var y = plainBicubic(Plain([1] + $0[0].shape, $0[0].values), newHeight, newWidth)
                    y.shape.removeFirst()
                    return y
                },
            ]
        }

    private static let pools: [OpCase] =
        [(7, 10, 3, 4), (6, 4, 3, 2), (5, 7, 1, 1), (3, 2, 4, 5), (1, 6, 1, 4)].map { height, width, rows, columns in
            OpCase(
                "adaptiveAveragePool \(height)x\(width) to \(rows)x\(columns)", roundings: 64,
                inputs: { [$0.normal(2, height, width, 3)] }, apply: { $0[0].adaptiveAveragePool(to: (rows, columns)) }
            ) { plainAdaptivePool($0[0], rows, columns) }
        }
        + [(7, 8, 3, 2), (4, 6, 2, 2), (5, 5, 3, 1), (2, 3, 2, 3)].map { height, width, size, stride in
            OpCase(
                "maxPool \(size) stride \(stride) of \(height)x\(width)",
                inputs: { [$0.distinct(2, height, width, 3)] },
                apply: { $0[0].maxPool(size: size, stride: stride) }
            ) { plainMaxPool($0[0], size: size, stride: stride) }
        }

    static let images: [OpCase] =
        convolutions + resizes + pools + [
            OpCase(
                "conv2d without bias", roundings: 64, inputs: { [$0.normal(2, 4, 5, 3), $0.normal(2, 3, 3, 3)] },
                apply: { $0[0].conv2d($0[1], padding: 1) }
            ) { plainConvolution($0[0], $0[1], nil, stride: 1, padding: 1) },
            OpCase(
                "conv2d with ReLU", roundings: 64,
                inputs: { [$0.normal(2, 4, 5, 3), $0.normal(2, 3, 3, 3), $0.normal(2)] },
                apply: { $0[0].conv2d($0[1], $0[2], padding: 1, activation: .relu) }
            ) { plainConvolution($0[0], $0[1], $0[2], stride: 1, padding: 1).map { max($0, 0) } },
            OpCase(
                "patches", roundings: 16, inputs: { [$0.normal(2, 5, 6, 3)] },
                apply: { $0[0].patches(kernel: 3, stride: 2, padding: 1) }
            ) { plainPatches($0[0], kernel: 3, stride: 2, padding: 1) },
        ]
        + [true, false].map { biased in
            OpCase(
                "convTranspose2x2" + (biased ? " with bias" : ""), roundings: 64,
                inputs: { [$0.normal(2, 3, 4, 5), $0.normal(5, 6, 2, 2)] + (biased ? [$0.normal(6)] : []) },
                apply: { $0[0].convTranspose2x2($0[1], biased ? $0[2] : nil) }
            ) { plainTransposed($0[0], $0[1], biased ? $0[2] : nil) }
        }
}
