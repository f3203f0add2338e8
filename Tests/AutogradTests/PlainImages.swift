import Autograd
import TensorCore
import TestSupport

// The naive twins of the operations on `(N, H, W, C)` maps.

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

/// The mean of the bin that covers `floor(o H / rows)` up to `ceil((o + 1) H / rows)`.
func plainAdaptivePool(_ x: Plain, _ rows: Int, _ columns: Int) -> Plain {
    plainImage(x, rows, columns) { n, oy, ox, c in
        // In integers: floor and ceiling of the exact quotients.
        let ys = oy * x.shape[1] / rows..<((oy + 1) * x.shape[1] + rows - 1) / rows
        let xs = ox * x.shape[2] / columns..<((ox + 1) * x.shape[2] + columns - 1) / columns
        let total = ys.reduce(0.0) { sum, i in xs.reduce(sum) { $0 + x[n, i, $1, c] } }
        return total / Double(ys.count * xs.count)
    }
}

func plainMaxPool(_ x: Plain, size: Int, stride: Int) -> Plain {
    plainImage(x, (x.shape[1] - size) / stride + 1, (x.shape[2] - size) / stride + 1) { n, oy, ox, c in
        var best = -Double.infinity
        for i in 0..<size {
            for j in 0..<size {
                let value = x[n, oy * stride + i, ox * stride + j, c]
                // NaN wins and stays.
                if !(value <= best) && !best.isNaN { best = value }
            }
        }
        return best
    }
}

/// Every window as one row, zeros outside the map.
func plainPatches(_ x: Plain, kernel: Int, stride: Int, padding: Int) -> Plain {
    let channels = x.shape[3]
    let height = (x.shape[1] + 2 * padding - kernel) / stride + 1
    let width = (x.shape[2] + 2 * padding - kernel) / stride + 1
    var y = Plain(zeros: [x.shape[0], height, width, kernel * kernel * channels])
    for n in 0..<x.shape[0] {
        for place in 0..<height * width * kernel * kernel {
            let (oy, ox) = (place / (width * kernel * kernel), place / (kernel * kernel) % width)
            let (ky, kx) = (place / kernel % kernel, place % kernel)
            let (iy, ix) = (oy * stride + ky - padding, ox * stride + kx - padding)
            if iy < 0 || iy >= x.shape[1] || ix < 0 || ix >= x.shape[2] { continue }
            for c in 0..<channels { y[n, oy, ox, (ky * kernel + kx) * channels + c] = x[n, iy, ix, c] }
        }
    }
    return y
}

func plainTransposed(_ x: Plain, _ weight: Plain, _ bias: Plain?) -> Plain {
    let (inputs, outputs) = (weight.shape[0], weight.shape[1])
    var y = Plain(zeros: [x.shape[0], 2 * x.shape[1], 2 * x.shape[2], outputs])
    for n in 0..<x.shape[0] {
        for oy in 0..<y.shape[1] {
            for ox in 0..<y.shape[2] {
                for o in 0..<outputs {
                    y[n, oy, ox, o] = (0..<inputs).reduce(bias?.values[o] ?? 0) {
                        $0 + x[n, oy / 2, ox / 2, $1] * weight[$1, o, oy % 2, ox % 2]
                    }
                }
            }
        }
    }
    return y
}
