import Determinism
import TensorCore

/// What the memory of this machine moves.
enum MemoryBandwidth {
    /// Bytes a second, read and written, of a scaled copy of 64 MiB by all threads; the best of five, measured once.
    static let ofCopies = measured()

    private static func measured() -> Double {
        let count = 16 << 20
        let (from, to) = (Tensor.full([count], 1), Tensor.zeros([count]))
        let (table, x, y) = (Kernels.table(.f32), from.raw, to.raw)
        let grain = 1 << 16
        let clock = BenchmarkClock()
        let best = (0..<5).map { _ in
            clock.measure {
                Parallel.forEachRange(count, grain: grain) { range in
                    table.pointee.scale(y + range.lowerBound * 4, x + range.lowerBound * 4, 2, range.count)
                }
            }.wall
        }.min()!
        keepAlive(from.storage, to.storage)
        return Double(8 * count) / best
    }
}
