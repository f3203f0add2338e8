import CKernels
import Determinism
import TensorCore

/// The activation of a fused linear layer.
public enum Activation: Sendable {
    case none, gelu, relu

    var kernel: dmt_activation {
        switch self {
        case .none: DMT_ACT_NONE
        case .gelu: DMT_ACT_GELU
        case .relu: DMT_ACT_RELU
        }
    }

    /// The kernel that multiplies a gradient by the slope.
    var slope: dmt_activation {
        switch self {
        case .none: DMT_ACT_NONE
        case .gelu: DMT_SLOPE_GELU
        case .relu: DMT_SLOPE_RELU
        }
    }

    /// What the slope is read from.
    enum SlopeSource { case nothing, argument, result }

    var slopeSource: SlopeSource {
        switch self {
        case .none: .nothing
        case .gelu: .argument
        // Its sign is that of the argument, and whoever reads the result keeps it anyway.
        case .relu: .result
        }
    }

    var code: Int32 { Int32(kernel.rawValue) }
}

extension Variable {
    /// `y = a + b`, same shape.
    public func adding(_ other: Variable) -> Variable {
        .record(Elementwise.sum(value, other.value), from: [self, other]) { [$0, $0] }
    }

    public static func + (a: Variable, b: Variable) -> Variable { a.adding(b) }

    public static func - (a: Variable, b: Variable) -> Variable { a.adding(b.scaled(by: -1)) }

    /// `y = α x`.
    public func scaled(by alpha: Double) -> Variable {
        .record(Elementwise.scaled(value, alpha), from: [self]) { [Elementwise.scaled($0, alpha)] }
    }

    /// `y = a b`, elementwise, same shape.
    public func multiplied(by other: Variable) -> Variable {
        // Each is needed for the gradient of the other.
        let (a, b) = (other.isTracked ? value : nil, isTracked ? other.value : nil)
        return .record(Elementwise.product(value, other.value), from: [self, other]) { dy in
            [b.map { Elementwise.product(dy, $0) }, a.map { Elementwise.product(dy, $0) }]
        }
    }

    /// `y = x + b`, where the shape of `b` is a suffix of this shape: bias or position embedding.
    public func addingRows(_ b: Variable) -> Variable {
        precondition(
            Array(shape.suffix(b.shape.count)) == b.shape && b.count > 0,
            "addingRows: \(b.shape) is no suffix of \(shape)")
        let (columns, rows) = (b.count, count / b.count)
        let (bShape, needX, needB) = (b.shape, isTracked, b.isTracked)
        let y = Tensor(uninitialized: shape, value.dtype)
        let (table, yp, xp, bp, size) = (Kernels.table(value.dtype), y.raw, value.raw, b.value.raw, value.dtype.size)
        Parallel.forEachRange(rows, grain: max(1, Elementwise.grain / columns)) { range in
            let offset = range.lowerBound * columns * size
            table.pointee.add_rows(yp + offset, xp + offset, bp, range.count, columns)
        }
        return .record(y, from: [self, b]) { dy in
            [
                needX ? dy : nil,
                needB ? Elementwise.columnSums(dy, rows: rows, columns: columns).reshaped(bShape) : nil,
            ]
        }
    }

    /// `y = x ∘ g` with one factor `g` a column of the last axis: LayerScale.
    public func scalingColumns(_ g: Variable) -> Variable {
        let (rows, columns) = rowsAndColumns
        precondition(g.shape == [columns], "scalingColumns: \(g.shape) for rows of \(columns)")
        let (x, factors, needX, needG) = (value, g.value.reshaped([1, columns]), isTracked, g.isTracked)
        return .record(Elementwise.scaledColumns(x, by: factors), from: [self, g]) { dy in
            [
                needX ? Elementwise.scaledColumns(dy, by: factors) : nil,
                needG ? Elementwise.columnSums(Elementwise.product(dy, x), rows: rows, columns: columns) : nil,
            ]
        }
    }

    /// `y = x σ(x)`, also called swish.
    public func silu() -> Variable { multiplied(by: sigmoid()) }

    /// `y = x Φ(x)`, with the exact error function.
    public func gelu() -> Variable { activated(.gelu) }

    /// `y = max(x, 0)`.
    public func relu() -> Variable { activated(.relu) }

    private func activated(_ activation: Activation) -> Variable {
        let y = Elementwise.activated(value, activation)
        let kept = activation.slopeSource == .result ? y : value
        return .record(y, from: [self]) { [Elementwise.activationBackward($0, kept, activation)] }
    }

    /// `y = 1 / (1 + exp(-x))`.
    public func sigmoid() -> Variable {
        let y = Tensor(uninitialized: shape, value.dtype)
        let (table, yp, xp) = (Kernels.table(value.dtype), y.raw, value.raw)
        Elementwise.blocks(y) { table.pointee.sigmoid(yp + $0, xp + $0, $1) }
        return .record(y, from: [self]) { dy in
            let dx = Tensor(uninitialized: y.shape, y.dtype)
            let (dxp, dyp, yp) = (dx.raw, dy.raw, y.raw)
            Elementwise.blocks(y) { table.pointee.sigmoid_backward(dxp + $0, dyp + $0, yp + $0, $1) }
            return [dx]
        }
    }

    /// The sum of all values, shape `[]`; accumulates in Double.
    public func sum() -> Variable {
        let (shape, dtype) = (shape, value.dtype)
        let total = Kernels.table(dtype).pointee.sum(value.raw, count)
        return .record(Tensor.full([], total, dtype), from: [self]) { dy in
            [Tensor.full(shape, Variable(dy).item(), dtype)]
        }
    }

    /// The mean of all values, shape `[]`.
    public func mean() -> Variable { sum().scaled(by: 1 / Double(count)) }

    /// `Σ wᵢ termᵢ` over scalars; terms of weight 0 are left out.
    public static func weightedSum(_ terms: [(Variable, Double)]) -> Variable {
        let kept = terms.filter { $0.1 != 0 }
        precondition(!kept.isEmpty, "weightedSum without a term")
        let total = kept.reduce(0.0) { $0 + $1.0.item() * $1.1 }
        let weights = kept.map(\.1)
        return .record(Tensor.full([], total, kept[0].0.value.dtype), from: kept.map(\.0)) { dy in
            weights.map { Elementwise.scaled(dy, $0) }
        }
    }
}
