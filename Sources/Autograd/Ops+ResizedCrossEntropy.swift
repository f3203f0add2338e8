import CKernels
import Determinism
import TensorCore

extension Variable {
    /// Cross entropy of logits `(N, H, W, K)` with labels of another size: `resizedBilinear(to:)`, then
    /// `crossEntropy(labels:ignore:divisor:)`, a line of pixels at a time.
    ///
    /// Resized logits and their gradient, 150 MiB each for a picture of 512x512 and 150 classes, never exist as a whole.
    ///
    /// - Parameters:
    ///   - labels: `N · height · width`, picture by picture and line by line.
    ///   - ignore: the label of pixels that do not count.
    ///   - divisor: the number of pixels that count when absent.
    public func resizedCrossEntropy(
        to size: (height: Int, width: Int), labels: [Int32], ignore: Int32 = -1, divisor: Double? = nil
    ) -> Variable {
        precondition(shape.count == 4 && size.height > 0 && size.width > 0, "resizedCrossEntropy of \(shape)")
        let (pictures, height, width, classes) = (shape[0], shape[1], shape[2], shape[3])
        if (height, width) == size { return crossEntropy(labels: labels, ignore: ignore, divisor: divisor) }
        precondition(
            labels.count == pictures * size.height * size.width,
            "resizedCrossEntropy: \(labels.count) labels for \(pictures) pictures of \(size)")
        let counted = Self.countedLabels(labels, classCount: classes, ignore: ignore)
        let share = divisor ?? counted
        let rows = BilinearTaps(from: height, to: size.height)
        let columns = BilinearTaps(from: width, to: size.width)
        let (dtype, bytes, plane) = (value.dtype, value.dtype.size, height * width * classes * value.dtype.size)
        let (gradient, losses) = (Tensor.zeros(shape, dtype), Tensor(uninitialized: [labels.count], .f64))
        let (table, x, dx, loss) = (Kernels.table(dtype), value.raw, gradient.raw, losses.f64())
        let bands = rows.separateBands(of: height)
        labels.withUnsafeBufferPointer { labels in
            for turn in 0..<2 {
                let taken = bands.indices.filter { $0 % 2 == turn }
                Parallel.forEach(pictures * taken.count) { task in
                    let picture = task / taken.count
                    let line = Storage(byteCount: size.width * classes * bytes)
                    for y in bands[taken[task % taken.count]] {
                        let (top, bottom, weight) = ([rows.first[y]], [rows.second[y]], [rows.weight[y]])
                        let pixels = (picture * size.height + y) * size.width
                        table.pointee.bilinear(
                            line.pointer, x + picture * plane, width, classes, top, bottom, weight, columns.first,
                            columns.second, columns.weight, size.width, 0, 1)
                        table.pointee.cross_entropy(
                            loss + pixels, line.pointer, line.pointer, labels.baseAddress! + pixels, ignore, size.width,
                            classes)
                        table.pointee.bilinear_backward(
                            dx + picture * plane, line.pointer, width, classes, top, bottom, weight, columns.first,
                            columns.second, columns.weight, 1, size.width, 0, height)
                    }
                    keepAlive(line)
                }
            }
        }
        let total = Kernels.table(.f64).pointee.sum(loss, labels.count) / share
        keepAlive(value.storage, losses.storage)
        return Self.scalarLoss(total, gradient: gradient, divisor: share, from: self)
    }
}

extension BilinearTaps {
    /// Positions of the result in about 16 bands; bands that are not neighbours read and write different lines of the
    /// source.
    fileprivate func separateBands(of length: Int) -> [Range<Int>] {
        let step = Int32(max(1, length / 16))
        var starts = first.indices.filter { $0 == 0 || first[$0] / step != first[$0 - 1] / step }
        starts.append(first.count)
        return zip(starts, starts.dropFirst()).map { $0..<$1 }
    }
}
