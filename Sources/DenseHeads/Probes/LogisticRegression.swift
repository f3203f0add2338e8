import Autograd
import Determinism
import TensorCore

/// Multinomial logistic regression with an L2 penalty on the weights, none on the biases.
///
///     minimise  (1/n) Σ_i −log softmax(W x_i + b)[y_i]  +  |W|² / (2 C n)
///
/// which has the same minimum as scikit-learn's `C Σ_i loss_i + |W|²/2`. Two classes keep two rows of weights (as
/// scikit-learn's multinomial form), so that their penalty is that of the other class counts.
///
/// - Source: scikit-learn 1.9 `LogisticRegression(solver="lbfgs")`; CAPI's segmentation probe uses it for C 10⁻⁶…10⁵.
public struct LogisticRegression: Sendable {
    /// `C`: small values mean strong regularisation.
    public var inverseRegularization: Double
    public var maxIterations = 1000
    /// The largest entry of the gradient at which it ends; f32 sums do not resolve much smaller ones.
    public var tolerance = 1e-5

    public init(inverseRegularization: Double = 1) { self.inverseRegularization = inverseRegularization }

    /// A fitted classifier.
    public struct Fit {
        /// `(K, D)`.
        public let weight: Tensor
        /// `(K)`; −∞ for classes that no row had, which are never predicted.
        public let bias: Tensor
        /// The objective above.
        public let loss: Double
        public let iterations: Int
        public let isConverged: Bool

        /// `(N, K)` logits of rows `(N, D)`.
        public func logits(_ x: Tensor) -> Tensor { Variable(x).linear(Variable(weight), Variable(bias)).value }

        /// The class of each row; the lower one among equals.
        public func predictions(_ x: Tensor) -> [Int32] { ArgMax.rows(logits(x)) }
    }

    /// - Parameters:
    ///   - x: `(N, D)`, f32 or f64; products are taken in its type, sums of losses in Double.
    ///   - labels: `(N)` in `0..<classCount`.
    public func fit(_ x: Tensor, labels: [Int32], classCount: Int) -> Fit {
        precondition(
            x.rank == 2 && labels.count == x.shape[0] && !labels.isEmpty, "\(labels.count) labels for \(x.shape)")
        precondition(
            labels.allSatisfy { $0 >= 0 && $0 < classCount } && inverseRegularization > 0,
            "logistic regression: labels within 0..<\(classCount), C \(inverseRegularization)")
        var present = [Int32](repeating: -1, count: classCount)
        for label in labels { present[Int(label)] = 0 }
        let classes = present.indices.filter { present[$0] == 0 }
        for (row, label) in classes.enumerated() { present[label] = Int32(row) }
        let (width, rows) = (x.shape[1], classes.count)
        let problem = Problem(
            x: x, labels: labels.map { present[Int($0)] }, rows: rows,
            penalty: 1 / (inverseRegularization * Double(labels.count)))
        let outcome = LBFGS(maxIterations: maxIterations, tolerance: tolerance).minimize(
            from: [Double](repeating: 0, count: rows * (width + 1)), problem.evaluate)
        let weight = Tensor.zeros([classCount, width], x.dtype)
        let bias = Tensor.full([classCount], -.infinity, x.dtype)
        for (row, label) in classes.enumerated() {
            let values = outcome.point[row * width..<(row + 1) * width]
            weight.rows(label..<label + 1).assign(Tensor(Array(values), [1, width]).converted(to: x.dtype))
            bias.rows(label..<label + 1).assign(
                Tensor([outcome.point[rows * width + row]], [1]).converted(to: x.dtype))
        }
        return Fit(
            weight: weight, bias: bias, loss: outcome.value, iterations: outcome.iterations,
            isConverged: outcome.isConverged)
    }

    /// Value and gradient over all rows, in blocks so that logits of few rows are held at once.
    private struct Problem {
        let x: Tensor
        let labels: [Int32]
        /// Classes that occur, `R`.
        let rows: Int
        let penalty: Double
        private static let block = 16384

        /// - Parameter point: weights `(R, D)` then biases `(R)`.
        func evaluate(_ point: [Double], _ gradient: inout [Double]) -> Double {
            let (width, count, dtype) = (x.shape[1], x.shape[0], x.dtype)
            let weight = Tensor(Array(point[..<(rows * width)]), [rows, width]).converted(to: dtype)
            let bias = Tensor(Array(point[(rows * width)...]), [rows]).converted(to: dtype)
            var loss = 0.0
            for i in 0..<rows * width {
                gradient[i] = penalty * point[i]
                loss += 0.5 * penalty * point[i] * point[i]
            }
            for i in rows * width..<point.count { gradient[i] = 0 }
            for start in stride(from: 0, to: count, by: Self.block) {
                let range = start..<min(start + Self.block, count)
                let part = x.rows(range)
                let logits = Variable(part).linear(Variable(weight), Variable(bias)).value
                let (value, slope) = crossEntropy(logits, range)
                loss += value / Double(count)
                let product = Tensor(uninitialized: [rows, width], dtype)
                Gemm.multiply(
                    dtype, m: rows, n: width, k: range.count, MatrixView(slope, width: rows, transposed: true),
                    MatrixView(part, width: width), into: product.raw)
                let sums = Tensor.zeros([rows], dtype)
                Kernels.table(dtype).pointee.column_sums(sums.raw, slope.raw, range.count, rows)
                let (weights, biases) = (product.doubles(), sums.doubles())
                for i in weights.indices { gradient[i] += weights[i] / Double(count) }
                for i in biases.indices { gradient[rows * width + i] += biases[i] / Double(count) }
            }
            return loss
        }

        /// The summed loss of a block and its gradient by the logits.
        private func crossEntropy(_ logits: Tensor, _ range: Range<Int>) -> (Double, Tensor) {
            let slope = Tensor(uninitialized: logits.shape, logits.dtype)
            let losses = Tensor(uninitialized: [range.count], .f64)
            let (table, size) = (Kernels.table(logits.dtype), logits.dtype.size)
            nonisolated(unsafe) let (l, dx, x) = (losses.f64(), slope.raw, logits.raw)
            labels.withUnsafeBufferPointer { labels in
                nonisolated(unsafe) let labels = labels.baseAddress! + range.lowerBound
                Parallel.forEachRange(range.count, grain: max(1, 16384 / rows)) { part in
                    let offset = part.lowerBound * rows * size
                    table.pointee.cross_entropy(
                        l + part.lowerBound, dx + offset, x + offset, labels + part.lowerBound, -1, part.count, rows)
                }
            }
            return (losses.doubles().reduce(0, +), slope)
        }
    }
}
