/// The ranks that train together, seen from one of them.
///
/// Every rank calls the same operations in the same order; each operation returns when this rank may use its result.
/// Reductions run in rank order, so every rank ends with the same bytes, and so does a repeated run of the same `size`.
/// One process is the case `size == 1`, not a special case: callers never ask which implementation they hold.
///
/// A rank that is lost cannot be answered for: implementations end the process, and the run resumes from its last
/// checkpoint. That is why nothing here throws.
public protocol Communicator: Sendable {
    /// This process's number, from 0. Rank 0 writes files and prints.
    var rank: Int { get }
    /// The number of processes.
    var size: Int { get }
    /// Adds `count` floats over all ranks, in place. `count` is the same on every rank.
    func allReduceSum(_ values: UnsafeMutablePointer<Float>, count: Int)
    /// Adds `count` doubles over all ranks, in place. `count` is the same on every rank.
    func allReduceSum(_ values: UnsafeMutablePointer<Double>, count: Int)
    /// Every rank's bytes, in rank order, on every rank. Lengths may differ.
    func gather(_ bytes: [UInt8]) -> [[UInt8]]
    /// Returns when every rank has called it.
    func barrier()
}

extension Communicator {
    /// Whether this process writes files and prints.
    public var isLeader: Bool { rank == 0 }

    /// The items of `0..<count` that this rank works on: consecutive, sizes differ by at most one, depending on
    /// `(count, rank, size)` alone.
    public func share(of count: Int) -> Range<Int> {
        precondition(count >= 0, "share of \(count) items")
        return rank * count / size..<(rank + 1) * count / size
    }
}
