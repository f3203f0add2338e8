/// The ranks that train together, seen from one of them.
///
/// Reductions run in rank order, so every rank ends with the same bytes.
public protocol Communicator: Sendable {
    /// This process's number, from 0.
    var rank: Int { get }
    /// The number of processes.
    var size: Int { get }
    /// Adds `count` floats over all ranks, in place.
    func allReduceSum(_ values: UnsafeMutablePointer<Float>, count: Int)
    /// Adds `count` doubles over all ranks, in place.
    func allReduceSum(_ values: UnsafeMutablePointer<Double>, count: Int)
    /// Every rank's bytes, in rank order.
    func gather(_ bytes: [UInt8]) -> [[UInt8]]
    /// Returns when every rank has called it.
    func barrier()
}

/// A group of one: every reduction is the identity.
public struct SingleProcess: Communicator {
    public init() {}
    public var rank: Int { 0 }
    public var size: Int { 1 }
    public func allReduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) {}
    public func allReduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) {}
    public func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
    public func barrier() {}
}
