import CKernels
import Determinism
import TensorCore

/// Two taps and the second one's weight for each output position of a bilinear resize, half-pixel centres.
struct BilinearTaps {
    var first: [Int32] = []
    var second: [Int32] = []
    var weight: [Double] = []

    init(from length: Int, to wanted: Int) {
        let ratio = Double(length) / Double(wanted)
        for position in 0..<wanted {
            let center = max(0, (Double(position) + 0.5) * ratio - 0.5)
            let low = min(Int(center), length - 1)
            first.append(Int32(low))
            second.append(Int32(min(low + 1, length - 1)))
            weight.append(low + 1 < length ? center - Double(low) : 0)
        }
    }

    /// Bands of rows for one task each; `rowCount` is the work of a row in values.
    static func bands(_ rows: Int, rowCount: Int) -> [Range<Int>] {
        let grain = max(1, 65536 / max(rowCount, 1))
        return stride(from: 0, to: rows, by: grain).map { $0..<min($0 + grain, rows) }
    }
}

extension Variable {
    /// Bilinear resize of `(N, H, W, C)`, half-pixel centres, edges clamped, no antialiasing.
    ///
    /// - Source: the `align_corners=False` rule of PyTorch's interpolate.
    public func resizedBilinear(to size: (height: Int, width: Int)) -> Variable {
        precondition(shape.count == 4 && size.height > 0 && size.width > 0, "resizedBilinear of \(shape)")
        let (pictures, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        if (height, width) == size { return self }
        let rows = BilinearTaps(from: height, to: size.height)
        let columns = BilinearTaps(from: width, to: size.width)
        let (dtype, bytes) = (value.dtype, value.dtype.size)
        let y = Tensor(uninitialized: [pictures, size.height, size.width, channels], dtype)
        let table = Kernels.table(dtype)
        let (inPlane, outPlane) = (height * width * channels * bytes, size.height * size.width * channels * bytes)
        let (yp, xp) = (y.raw, value.raw)
        let bands = BilinearTaps.bands(size.height, rowCount: size.width * channels)
        Parallel.forEach(pictures * bands.count) { task in
            let (n, band) = (task / bands.count, bands[task % bands.count])
            table.pointee.bilinear(
                yp + n * outPlane, xp + n * inPlane, width, channels, rows.first, rows.second, rows.weight,
                columns.first, columns.second, columns.weight, size.width, band.lowerBound, band.upperBound)
        }
        return .record(y, from: [self]) { dy in
            let dx = Tensor.zeros([pictures, height, width, channels], dtype)
            let (dxp, dyp) = (dx.raw, dy.raw)
            let bands = BilinearTaps.bands(height, rowCount: size.height * size.width * channels / height)
            Parallel.forEach(pictures * bands.count) { task in
                let (n, band) = (task / bands.count, bands[task % bands.count])
                table.pointee.bilinear_backward(
                    dxp + n * inPlane, dyp + n * outPlane, width, channels, rows.first, rows.second, rows.weight,
                    columns.first, columns.second, columns.weight, size.height, size.width, band.lowerBound,
                    band.upperBound)
            }
            return [dx]
        }
    }

    /// Bicubic resize of `(H, W, C)` maps, such as position embeddings: `a = −0.75`, half-pixel centres, edges clamped.
    ///
    /// - Parameter offset: added to the wanted size where the step between samples is computed. DINO's code and its
    ///   descendants add 0.1 to keep a rounding from losing a row, which moves every sample a little.
    /// - Source: the bicubic rule of PyTorch's interpolate without antialiasing (Keys 1981).
    public func resizedBicubic(to size: (height: Int, width: Int), offset: Double = 0) -> Variable {
        precondition(shape.count == 3, "resizedBicubic of \(shape)")
        let (height, width, channels) = (shape[0], shape[1], shape[2])
        if (height, width) == size { return self }
        let dtype = value.dtype
        let rows = Variable(Self.cubicMatrix(from: height, to: size.height, offset).converted(to: dtype))
        let columns = Variable(Self.cubicMatrix(from: width, to: size.width, offset).converted(to: dtype))
        // Rᵀ acts from the right on the axis that is moved last.
        let tall = permuted([1, 2, 0]).linear(rows)
        return tall.permuted([2, 1, 0]).linear(columns).permuted([0, 2, 1])
            .reshaped([size.height, size.width, channels])
    }

    private static func cubicMatrix(from length: Int, to wanted: Int, _ offset: Double) -> Tensor {
        let a = -0.75
        func weight(_ distance: Double) -> Double {
            let d = abs(distance)
            if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
            return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0
        }
        var matrix = [Double](repeating: 0, count: wanted * length)
        let ratio = Double(length) / (Double(wanted) + offset)
        for position in 0..<wanted {
            let center = (Double(position) + 0.5) * ratio - 0.5
            let base = Int(center.rounded(.down))
            for tap in base - 1...base + 2 {
                matrix[position * length + min(max(tap, 0), length - 1)] += weight(center - Double(tap))
            }
        }
        return Tensor(matrix, [wanted, length])
    }
}
