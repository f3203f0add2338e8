/// A group of processes that train one model together.
///
/// Every member calls the same operations in the same order; each operation returns when this process may use its
/// result. Operations are synchronous: overlap belongs above this protocol, where the order of gradients is known.
///
/// Sums must have the same bytes on all ranks and in repeated runs with the same `size`: implementations add in rank
/// order. One process is the case `size == 1`, not a special case: callers never ask which implementation they hold.
public protocol Communicator: Sendable {
    /// This process's number, `0..<size`. Rank 0 writes files and prints.
    var rank: Int { get }
    /// Number of processes.
    var size: Int { get }

    /// Replaces `values` on every rank by the element-wise sum over ranks, added in rank order.
    ///
    /// - Parameter values: the same number of elements on every rank.
    /// - Throws: `CommunicationError` when a rank is lost.
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws(CommunicationError)

    /// The bytes of each rank, in rank order, on rank 0; an empty array on the others. Lengths may differ.
    ///
    /// - Throws: `CommunicationError` when a rank is lost.
    func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]]

    /// Returns once every rank has called it.
    ///
    /// - Throws: `CommunicationError` when a rank is lost.
    func barrier() throws(CommunicationError)
}

extension Communicator {
    /// Whether this process writes files and prints.
    public var isLeader: Bool { rank == 0 }

    /// The items `0..<count` that this rank works on: consecutive, sizes differ by at most one, depending on
    /// `(count, rank, size)` alone.
    public func share(of count: Int) -> Range<Int> {
        precondition(count >= 0, "share of \(count) items")
        return rank * count / size..<(rank + 1) * count / size
    }
}

/// A collective operation that could not finish.
public struct CommunicationError: Error, CustomStringConvertible, Sendable, Equatable {
    public var operation: String
    public var rank: Int
    public var found: String

    public init(operation: String, rank: Int, found: String) {
        self.operation = operation
        self.rank = rank
        self.found = found
    }

    public var description: String {
        "\(operation) on rank \(rank): expected every rank to take part, found \(found); "
            + "start the run again from its last checkpoint."
    }
}
