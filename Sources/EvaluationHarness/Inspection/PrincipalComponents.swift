import Foundation

/// The first three principal components of rows, by orthogonal iteration on their covariance.
struct PrincipalComponents {
    private let width: Int
    private let mean: [Double]
    /// Three unit vectors; the entry of largest size is positive in each.
    let vectors: [[Double]]
    /// The middle 98 % of each coordinate over the rows it was made from.
    private(set) var ranges: [ClosedRange<Double>] = []

    /// - Parameter rows: arrays of rows of `width` values each; at least one row in all.
    init(_ rows: [[Float]], width: Int) {
        self.width = width
        let count = rows.reduce(0) { $0 + $1.count } / width
        var mean = [Double](repeating: 0, count: width)
        for part in rows {
            for (index, value) in part.enumerated() { mean[index % width] += Double(value) }
        }
        mean = mean.map { $0 / Double(max(count, 1)) }
        self.mean = mean
        var covariance = [Double](repeating: 0, count: width * width)
        for part in rows {
            for start in stride(from: 0, to: part.count, by: width) {
                let centred = (0..<width).map { Double(part[start + $0]) - mean[$0] }
                for i in 0..<width where centred[i] != 0 {
                    for j in 0...i { covariance[i * width + j] += centred[i] * centred[j] }
                }
            }
        }
        for i in 0..<width {
            for j in 0..<i { covariance[j * width + i] = covariance[i * width + j] }
        }
        vectors = Self.leading(covariance, width)
        let found = rows.flatMap { coordinates($0) }
        ranges = (0..<3).map { component in
            let values = stride(from: component, to: found.count, by: 3).map { found[$0] }.sorted()
            guard !values.isEmpty else { return 0...1 }
            let cut = values.count / 100
            return values[cut]...values[values.count - 1 - cut]
        }
    }

    /// Three coordinates a row.
    func coordinates(_ rows: [Float]) -> [Double] {
        stride(from: 0, to: rows.count, by: width).flatMap { start in
            vectors.map { vector in
                (0..<width).reduce(0.0) { $0 + vector[$1] * (Double(rows[start + $1]) - mean[$1]) }
            }
        }
    }

    private static func leading(_ matrix: [Double], _ width: Int) -> [[Double]] {
        // Any start that no component is orthogonal to; fixed, so that results repeat.
        var basis = (0..<3).map { k in (0..<width).map { sin(Double(($0 + 1) * (k + 1))) } }
        for _ in 0..<200 {
            var next = basis.map { vector in
                (0..<width).map { i in
                    var sum = 0.0
                    for j in 0..<width { sum += matrix[i * width + j] * vector[j] }
                    return sum
                }
            }
            for k in next.indices {
                for other in 0..<k {
                    let overlap = zip(next[k], next[other]).reduce(0) { $0 + $1.0 * $1.1 }
                    for i in 0..<width { next[k][i] -= overlap * next[other][i] }
                }
                let length = next[k].reduce(0) { $0 + $1 * $1 }.squareRoot()
                if length > 0 { next[k] = next[k].map { $0 / length } }
            }
            basis = next
        }
        return basis.map { vector in
            let largest = vector.max { abs($0) < abs($1) } ?? 0
            return largest < 0 ? vector.map { -$0 } : vector
        }
    }
}
