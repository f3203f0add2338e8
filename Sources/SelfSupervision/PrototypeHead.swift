import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// The DINO head: a three-layer perceptron to a short unit vector, then cosines with unit prototypes.
///
/// - Source: Caron et al. 2021, arXiv:2104.14294, §3.1 and its code (`DINOHead`, with its batch-norm switch).
public final class PrototypeHead: Layer {
    let linears: [Linear]
    let norms: [BatchNorm]
    let prototypes: Parameter

    /// - Parameters:
    ///   - batchNorm: normalise the hidden layers over the batch.
    ///   - prototypes: K, the number of outputs.
    public init(
        width: Int, hidden: Int, bottleneck: Int, prototypes count: Int, batchNorm: Bool, _ stream: inout RandomStream
    ) {
        let sizes = [width, hidden, hidden, bottleneck]
        linears = (1..<4).map {
            Linear(sizes[$0 - 1], sizes[$0], bias: !batchNorm || $0 == 3, initialization: .xavierUniform, &stream)
        }
        norms = batchNorm ? (0..<2).map { _ in BatchNorm(hidden) } : []
        prototypes = Parameter(Initialization.normal(1).draw([count, bottleneck], fanIn: 1, fanOut: 1, &stream))
    }

    public static var slots: [Slot<PrototypeHead>] {
        [.layers("mlp", \.linears), .layers("norm", \.norms), .parameter("last_layer.weight", \.prototypes)]
    }

    /// Cosines `(R, K)` of rows `(R, C)` with the prototypes.
    public func callAsFunction(_ x: Variable, _ forward: Forward) -> Variable {
        var x = x
        for (index, linear) in linears.enumerated() {
            x = linear(x, forward)
            if index < norms.count { x = norms[index](x, forward) }
            if index < 2 { x = x.gelu() }
        }
        return x.normalized().linear(forward(prototypes).normalized())
    }
}

/// How teacher scores become targets that do not collapse.
public enum TargetBalance: String, Sendable, CaseIterable {
    /// Subtract a moving mean of the scores (DINO, iBOT).
    case centering
    /// Sinkhorn–Knopp: every prototype gets its equal share of the batch (SwAV, DINOv2).
    case sinkhorn
}

/// The centre of one kind of token and the targets made with it.
public final class TargetBalancer: Layer {
    /// `(K)`.
    public let center: Tensor
    private let balance: TargetBalance
    private let momentum: Double

    public init(prototypes: Int, balance: TargetBalance, momentum: Double = 0.9) {
        center = .zeros([prototypes])
        self.balance = balance
        self.momentum = momentum
    }

    public static var slots: [Slot<TargetBalancer>] { [.buffer("center", \.center)] }

    /// Target distributions `(R, K)` from teacher cosines, and the centre's update where they are finite.
    public func targets(_ scores: Tensor, temperature: Double) -> Tensor {
        let (rows, columns) = (scores.shape[0], scores.shape[1])
        switch balance {
        case .centering:
            let shifted = Variable(scores).addingRows(Variable(Elementwise.scaled(center, -1)))
            let sum = Elementwise.columnSums(scores, rows: rows, columns: columns)
            if sum.isFinite {
                Elementwise.movingAverage(center, Elementwise.scaled(sum, 1 / Double(rows)), decay: momentum)
            }
            return shifted.scaled(by: 1 / temperature).softmax().value
        case .sinkhorn:
            return Self.sinkhorn(scores, temperature: temperature)
        }
    }

    /// Alternates equal column sums and unit row sums, three times, from `exp(score / τ)`.
    ///
    /// - Source: Caron et al. 2020, arXiv:2006.09882, appendix A.1.
    static func sinkhorn(_ scores: Tensor, temperature: Double, iterations: Int = 3) -> Tensor {
        let (rows, columns) = (scores.shape[0], scores.shape[1])
        // The row maximum only scales a row: softmax is exp up to that scale.
        var q = Variable(scores).scaled(by: 1 / temperature).softmax().value
        let share = Double(rows) / Double(columns)
        for _ in 0..<iterations {
            let columnSums = Elementwise.columnSums(q, rows: rows, columns: columns).doubles()
            let transposed = Variable(q).permuted([1, 0]).scaledRows(columnSums.map { share / max($0, 1e-12) }).value
            let rowSums = Elementwise.columnSums(transposed, rows: columns, columns: rows).doubles()
            q = Variable(transposed).permuted([1, 0]).scaledRows(rowSums.map { 1 / max($0, 1e-12) }).value
        }
        return q
    }
}
