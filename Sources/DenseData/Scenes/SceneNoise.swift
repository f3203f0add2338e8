import Determinism

/// Smooth periodic noise and a sine made of additions and multiplications alone, so that no mathematical library can
/// change the pictures from one machine to another.
struct SceneNoise {
    private static let side = 64
    private let lattice: [Float]

    /// A lattice of 64 x 64 uniform numbers.
    init(_ stream: inout RandomStream) {
        lattice = (0..<Self.side * Self.side).map { _ in Float(stream.uniform()) }
    }

    /// The noise at a point, in 0...1: values at whole coordinates, smooth in between, period 64.
    @inline(__always)
    func value(_ x: Float, _ y: Float) -> Float {
        let (left, top) = (x.rounded(.down), y.rounded(.down))
        let (u, v) = (x - left, y - top)
        let (su, sv) = (u * u * (3 - 2 * u), v * v * (3 - 2 * v))
        let (column, row) = (Int(left) & 63, Int(top) & 63)
        let (nextColumn, nextRow) = ((column + 1) & 63, (row + 1) & 63)
        return lattice.withUnsafeBufferPointer { table in
            let a = table[row << 6 | column]
            let b = table[row << 6 | nextColumn]
            let c = table[nextRow << 6 | column]
            let d = table[nextRow << 6 | nextColumn]
            let upper: Float = a + (b - a) * su
            let lower: Float = c + (d - c) * su
            return upper + (lower - upper) * sv
        }
    }

    /// The lattice value of a cell: one random number for each brick or tile.
    @inline(__always)
    func cell(_ column: Int, _ row: Int) -> Float { lattice[(row & 63) << 6 | (column & 63)] }

    /// sin(2 pi t), to about 1e-4.
    @inline(__always)
    static func sine(turns t: Float) -> Float {
        let phase: Float = t - (t + 0.5).rounded(.down)
        // The quarter-wave symmetric polynomial of odd degree 7 on -1/4...1/4.
        let folded: Float = abs(phase) > 0.25 ? (phase > 0 ? 0.5 : -0.5) - phase : phase
        let a: Float = folded * 6.2831855
        let s: Float = a * a
        return a * (1 + s * (-0.16666667 + s * (0.008333331 + s * -0.00019840874)))
    }

    @inline(__always)
    static func cosine(turns t: Float) -> Float { sine(turns: t + 0.25) }

    /// 0 below `low`, 1 above `high`, smooth between.
    @inline(__always)
    static func step(_ low: Float, _ high: Float, _ x: Float) -> Float {
        let t = min(max((x - low) / (high - low), 0), 1)
        return t * t * (3 - 2 * t)
    }
}
