import Determinism
import TensorCore

/// Makes random f64 tensors; the same seed and purpose give the same tensors.
///
/// Values are rounded to Float, so that a tensor converted to f32 holds exactly the same numbers.
public struct TensorMaker {
    private var stream: RandomStream

    public init(_ purpose: String, seed: UInt64 = 7) { stream = RandomStream(seed: seed, purpose: purpose) }

    private mutating func tensor(_ shape: [Int], _ draw: (inout RandomStream) -> Double) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in Double(Float(draw(&stream))) }, shape)
    }

    /// Standard normal values.
    public mutating func normal(_ shape: Int..., scale: Double = 1) -> Tensor { normal(shape, scale: scale) }

    public mutating func normal(_ shape: [Int], scale: Double = 1) -> Tensor { tensor(shape) { $0.normal() * scale } }

    public mutating func uniform(_ shape: Int..., in range: ClosedRange<Double>) -> Tensor {
        uniform(shape, in: range)
    }

    public mutating func uniform(_ shape: [Int], in range: ClosedRange<Double>) -> Tensor {
        tensor(shape) { $0.uniform(range) }
    }

    /// Values of size 0.2 to 2 with either sign: far from a kink at zero.
    public mutating func awayFromZero(_ shape: Int...) -> Tensor { awayFromZero(shape) }

    public mutating func awayFromZero(_ shape: [Int]) -> Tensor {
        tensor(shape) { stream in
            let size: Double = stream.uniform(0.2...2)
            return stream.chance(0.5) ? size : -size
        }
    }

    /// A shuffle of an even grid over -2...2: no two values are close, so no maximum changes under a small step.
    public mutating func distinct(_ shape: Int...) -> Tensor { distinct(shape) }

    public mutating func distinct(_ shape: [Int]) -> Tensor {
        let count = shape.reduce(1, *)
        let order = stream.permutation(count)
        return Tensor(order.map { Double(Float(4 * (Double($0) + 0.5) / Double(count) - 2)) }, shape)
    }

    /// Rows of positive values that sum to 1.
    public mutating func distributions(_ rows: Int, _ columns: Int) -> Tensor {
        var values: [Double] = []
        for _ in 0..<rows {
            let row: [Double] = (0..<columns).map { _ in stream.uniform(0.05...1) }
            let total = row.reduce(0, +)
            values += row.map { $0 / total }
        }
        return Tensor(values, [rows, columns])
    }

    /// Class labels below `classes`; a quarter are `ignore` where one is given.
    public mutating func labels(_ count: Int, below classes: Int, ignore: Int32? = nil) -> [Int32] {
        (0..<count).map { _ in
            if let ignore, stream.chance(0.25) { return ignore }
            return Int32(stream.int(below: classes))
        }
    }

    public mutating func chance(_ probability: Double) -> Bool { stream.chance(probability) }

    public mutating func element<T>(of values: [T]) -> T { values[stream.int(below: values.count)] }

    public mutating func permutation(_ count: Int) -> [Int] { stream.permutation(count) }

    /// A shape of a rank in the range; every axis up to `limit`, and one in four of size 1.
    public mutating func shape(rank: ClosedRange<Int>, upTo limit: Int) -> [Int] {
        (0..<size(rank)).map { _ in stream.chance(0.25) ? 1 : size(1...limit) }
    }

    /// A size in the range.
    public mutating func size(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + stream.int(below: range.count)
    }
}
