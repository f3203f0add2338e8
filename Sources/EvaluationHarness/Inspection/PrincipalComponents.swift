import Autograd
import Distillation
import TensorCore

/// The first three principal components of rows, from the eigenvectors of their covariance.
///
/// Signs are fixed: the entry of largest size is positive in each vector, so the same rows in any order, and their mirror
/// images about the mean, have the same vectors.
struct PrincipalComponents: Equatable {
    static let count = 3

    /// `(D)`.
    let mean: [Double]
    /// Three unit vectors, by falling variance.
    let vectors: [[Double]]
    /// Of the coordinates along them, over n - 1.
    let variances: [Double]
    /// The middle 98 % of each coordinate over the rows they were made from.
    let ranges: [ClosedRange<Double>]

    init(mean: [Double], vectors: [[Double]], variances: [Double], ranges: [ClosedRange<Double>]) {
        self.mean = mean
        self.vectors = vectors
        self.variances = variances
        self.ranges = ranges
    }

    /// - Parameters:
    ///   - rows: arrays of rows of `width` values each.
    ///   - isCounted: which rows of a part count; all unless given.
    /// - Returns: nil for fewer than two rows.
    /// - Precondition: `width ≥ 3`.
    init?(_ rows: [[Float]], width: Int, where isCounted: ((_ part: Int, _ row: Int) -> Bool)? = nil) {
        precondition(width >= Self.count, "\(Self.count) components of width \(width)")
        // One part at a time, so that no second copy of all rows is held.
        func part(_ index: Int) -> (values: [Double], count: Int) {
            let all = rows[index]
            let kept = (0..<all.count / width).filter { isCounted?(index, $0) ?? true }
            return (kept.flatMap { row in (0..<width).map { Double(all[row * width + $0]) } }, kept.count)
        }
        var (mean, count) = ([Double](repeating: 0, count: width), 0)
        for index in rows.indices {
            let (values, rows) = part(index)
            for (at, value) in values.enumerated() { mean[at % width] += value }
            count += rows
        }
        guard count >= 2 else { return nil }
        for channel in 0..<width { mean[channel] /= Double(count) }
        let covariance = Tensor.zeros([width, width], .f64)
        for index in rows.indices {
            var (values, rows) = part(index)
            if rows == 0 { continue }
            for at in values.indices { values[at] -= mean[at % width] }
            let centred = Tensor(values, [rows, width])
            Gemm.multiply(
                .f64, m: width, n: width, k: rows, MatrixView(centred, width: width, transposed: true),
                MatrixView(centred, width: width), into: covariance.raw, accumulate: true)
            keepAlive(centred.storage)
        }
        let entries = covariance.f64()
        for at in 0..<width * width { entries[at] /= Double(count - 1) }
        let eigen = SymmetricEigendecomposition(covariance)
        let basis = eigen.vectors.doubles()
        let leading = (1...Self.count).map { width - $0 }
        self.mean = mean
        vectors = leading.map { Array(basis[$0 * width..<($0 + 1) * width]) }
        variances = leading.map { max(eigen.values[$0], 0) }
        var coordinates = [[Double]](repeating: [], count: Self.count)
        for index in rows.indices {
            let found = Self.coordinates(part(index).values, mean, vectors)
            for (at, value) in found.enumerated() { coordinates[at % Self.count].append(value) }
        }
        ranges = coordinates.map { values in
            let sorted = values.sorted()
            let cut = sorted.count / 100
            return sorted[cut]...sorted[sorted.count - 1 - cut]
        }
    }

    /// Three coordinates a row.
    func coordinates(_ rows: [Float]) -> [Double] { Self.coordinates(rows.map(Double.init), mean, vectors) }

    private static func coordinates(_ rows: [Double], _ mean: [Double], _ vectors: [[Double]]) -> [Double] {
        let width = mean.count
        var result: [Double] = []
        result.reserveCapacity(rows.count / width * vectors.count)
        for start in stride(from: 0, to: rows.count, by: width) {
            for vector in vectors {
                var sum = 0.0
                for channel in 0..<width { sum += vector[channel] * (rows[start + channel] - mean[channel]) }
                result.append(sum)
            }
        }
        return result
    }
}
