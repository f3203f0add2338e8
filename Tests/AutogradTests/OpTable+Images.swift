import Autograd
import TensorCore
import TestSupport

/// Convolution of `(N, H, W, I)` with `(O, I, k, k)` by the definition.
func plainConvolution(_ x: Plain, _ weight: Plain, _ bias: Plain?, stride: Int, padding: Int) -> Plain {
    let (kernel, outputs) = (weight.shape[2], weight.shape[0])
    let height = (x.shape[1] + 2 * padding - kernel) / stride + 1
    let width = (x.shape[2] + 2 * padding - kernel) / stride + 1
    var y = Plain(zeros: [x.shape[0], height, width, outputs])
    for n in 0..<x.shape[0] {
        for oy in 0..<height {
            for ox in 0..<width {
                for o in 0..<outputs {
                    var total = bias?.values[o] ?? 0
                    for ky in 0..<kernel {
                        for kx in 0..<kernel {
                            let (iy, ix) = (oy * stride + ky - padding, ox * stride + kx - padding)
                            if iy < 0 || ix < 0 || iy >= x.shape[1] || ix >= x.shape[2] { continue }
                            for i in 0..<x.shape[3] { total += x[n, iy, ix, i] * weight[o, i, ky, kx] }
                        }
                    }
                    y[n, oy, ox, o] = total
                }
            }
        }
    }
    return y
}

/// Fills an `(N, height, width, C)` result from a function of picture, position and channel.
func plainImage(_ x: Plain, _ height: Int, _ width: Int, _ body: (Int, Int, Int, Int) -> Double) -> Plain {
    var y = Plain(zeros: [x.shape[0], height, width, x.shape[3]])
    for n in 0..<x.shape[0] {
        for oy in 0..<height {
            for ox in 0..<width {
                for c in 0..<x.shape[3] { y[n, oy, ox, c] = body(n, oy, ox, c) }
            }
        }
    }
    return y
}

/// Linear interpolation as a sum of tents over the whole map, the point clamped to the map.
func plainSample(_ x: Plain, _ n: Int, _ c: Int, _ y: Double, _ px: Double) -> Double {
    let (y, px) = (min(max(y, 0), Double(x.shape[1] - 1)), min(max(px, 0), Double(x.shape[2] - 1)))
    var total = 0.0
    for i in 0..<x.shape[1] where abs(y - Double(i)) < 1 {
        for j in 0..<x.shape[2] where abs(px - Double(j)) < 1 {
            total += (1 - abs(y - Double(i))) * (1 - abs(px - Double(j))) * x[n, i, j, c]
        }
    }
    return total
}

func plainBilinear(_ x: Plain, _ height: Int, _ width: Int) -> Plain {
    plainImage(x, height, width) { n, oy, ox, c in
        let y = (Double(oy) + 0.5) * Double(x.shape[1]) / Double(height) - 0.5
        return plainSample(x, n, c, y, (Double(ox) + 0.5) * Double(x.shape[2]) / Double(width) - 0.5)
    }
}

private func cubic(_ distance: Double) -> Double {
    let (a, d) = (-0.75, abs(distance))
    if d <= 1 { return (a + 2) * d * d * d - (a + 3) * d * d + 1 }
    return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0
}

/// Sixteen taps a pixel, those outside read from the edge.
func plainBicubic(_ x: Plain, _ height: Int, _ width: Int) -> Plain {
    plainImage(x, height, width) { n, oy, ox, c in
        let y = (Double(oy) + 0.5) * Double(x.shape[1]) / Double(height) - 0.5
        let px = (Double(ox) + 0.5) * Double(x.shape[2]) / Double(width) - 0.5
        var total = 0.0
        for i in Int(y.rounded(.down)) - 1...Int(y.rounded(.down)) + 2 {
            for j in Int(px.rounded(.down)) - 1...Int(px.rounded(.down)) + 2 {
                let value = x[n, min(max(i, 0), x.shape[1] - 1), min(max(j, 0), x.shape[2] - 1), c]
                total += cubic(y - Double(i)) * cubic(px - Double(j)) * value
            }
        }
        return total
    }
}

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
            ) { x in
                plainImage(x[0], rows, columns) { n, oy, ox, c in
                    let (h, w) = (Double(height) / Double(rows), Double(width) / Double(columns))
                    let ys = Int((Double(oy) * h).rounded(.down))..<Int((Double(oy + 1) * h - 1e-9).rounded(.up))
                    let xs = Int((Double(ox) * w).rounded(.down))..<Int((Double(ox + 1) * w - 1e-9).rounded(.up))
                    let total = ys.reduce(0.0) { $0 + rowSum(x[0], n, $1, xs, c) }
                    return total / Double(ys.count * xs.count)
                }
            }
        }
        + [(7, 8, 3, 2), (4, 6, 2, 2), (5, 5, 3, 1), (2, 3, 2, 3)].map { height, width, size, stride in
            OpCase(
                "maxPool \(size) stride \(stride) of \(height)x\(width)",
                inputs: { [$0.distinct(2, height, width, 3)] },
                apply: { $0[0].maxPool(size: size, stride: stride) }
            ) { x in
                plainImage(x[0], (height - size) / stride + 1, (width - size) / stride + 1) { n, oy, ox, c in
                    var best = -Double.infinity
                    for i in 0..<size {
                        for j in 0..<size { best = max(best, x[0][n, oy * stride + i, ox * stride + j, c]) }
                    }
                    return best
                }
            }
        }

    private static func rowSum(_ x: Plain, _ n: Int, _ i: Int, _ xs: Range<Int>, _ c: Int) -> Double {
        xs.reduce(0.0) { $0 + x[n, i, $1, c] }
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
            ) { x in
                var y = Plain(zeros: [2, 3, 3, 27])
                for n in 0..<2 {
                    for (oy, ox, ky, kx) in window(3, 3, 3) {
                        let (iy, ix) = (2 * oy + ky - 1, 2 * ox + kx - 1)
                        if iy < 0 || iy >= 5 || ix < 0 || ix >= 6 { continue }
                        for c in 0..<3 { y[n, oy, ox, (ky * 3 + kx) * 3 + c] = x[0][n, iy, ix, c] }
                    }
                }
                return y
            },
        ]
        + [true, false].map { biased in
            OpCase(
                "convTranspose2x2" + (biased ? " with bias" : ""), roundings: 64,
                inputs: { [$0.normal(2, 3, 4, 5), $0.normal(5, 6, 2, 2)] + (biased ? [$0.normal(6)] : []) },
                apply: { $0[0].convTranspose2x2($0[1], biased ? $0[2] : nil) }
            ) { x in
                var y = Plain(zeros: [2, 6, 8, 6])
                for n in 0..<2 {
                    for oy in 0..<6 {
                        for ox in 0..<8 {
                            for o in 0..<6 {
                                y[n, oy, ox, o] = (0..<5).reduce(biased ? x[2].values[o] : 0) {
                                    $0 + x[0][n, oy / 2, ox / 2, $1] * x[1][$1, o, oy % 2, ox % 2]
                                }
                            }
                        }
                    }
                }
                return y
            }
        }

    private static func window(_ height: Int, _ width: Int, _ kernel: Int) -> [(Int, Int, Int, Int)] {
        (0..<height * width * kernel * kernel).map { i in
            (i / (width * kernel * kernel), i / (kernel * kernel) % width, i / kernel % kernel, i % kernel)
        }
    }
}
