import Communication
import Foundation
import Synchronization

/// Ranks that are threads of one process: what tests of shared work need, without MPI.
///
///     let sums = try ThreadedRanks.run(2) { group in group.sums([1]) }
public struct ThreadedRanks: Communicator {
    public let rank: Int
    public var size: Int { room.size }
    private let room: Room

    /// Runs the body on each of `size` ranks at once.
    ///
    /// - Returns: what the ranks return, in rank order.
    /// - Throws: the error of the lowest rank that threw. A rank that throws while others wait for it leaves them waiting.
    public static func run<Value: Sendable>(
        _ size: Int, _ body: @escaping @Sendable (any Communicator) throws -> Value
    ) throws -> [Value] {
        let room = Room(size)
        let box = Box<Value>()
        for rank in 0..<size {
            let thread = Thread {
                let result = Result { try body(ThreadedRanks(rank: rank, room: room)) }
                box.results.withLock { $0[rank] = result }
                box.done.signal()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        for _ in 0..<size { box.done.wait() }
        let found = box.results.withLock { $0 }
        return try (0..<size).map { try found[$0]!.get() }
    }

    public func allReduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) { sum(values, count) }
    public func allReduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) { sum(values, count) }
    public func gather(_ bytes: [UInt8]) -> [[UInt8]] { room.exchange(rank, bytes) }
    public func barrier() { _ = room.exchange(rank, []) }

    private func sum<Value: AdditiveArithmetic>(_ values: UnsafeMutablePointer<Value>, _ count: Int) {
        let parts = gather(Array(UnsafeRawBufferPointer(start: values, count: count * MemoryLayout<Value>.stride)))
        for index in 0..<count { values[index] = .zero }
        for part in parts {
            part.withUnsafeBytes { bytes in
                for (index, value) in bytes.bindMemory(to: Value.self).enumerated() { values[index] += value }
            }
        }
    }

    /// What the threads leave for the caller.
    private final class Box<Value: Sendable>: Sendable {
        let results = Mutex<[Int: Result<Value, any Error>]>([:])
        let done = DispatchSemaphore(value: 0)
    }

    /// Where ranks leave and take what they exchange; round by round.
    private final class Room: Sendable {
        private struct Round {
            var parts: [[UInt8]?]
            var readers = 0
        }
        private struct State {
            var calls: [Int]
            var rounds: [Int: Round] = [:]
        }
        let size: Int
        private let state: Mutex<State>

        init(_ size: Int) {
            self.size = size
            state = Mutex(State(calls: [Int](repeating: 0, count: size)))
        }

        func exchange(_ rank: Int, _ bytes: [UInt8]) -> [[UInt8]] {
            let size = size
            let call = state.withLock { state -> Int in
                let call = state.calls[rank]
                state.calls[rank] += 1
                state.rounds[call, default: Round(parts: [[UInt8]?](repeating: nil, count: size))].parts[rank] = bytes
                return call
            }
            while true {
                let parts = state.withLock { state -> [[UInt8]]? in
                    guard let round = state.rounds[call], !round.parts.contains(where: { $0 == nil }) else {
                        return nil
                    }
                    state.rounds[call]!.readers += 1
                    if round.readers + 1 == size { state.rounds[call] = nil }
                    return round.parts.map { $0! }
                }
                if let parts { return parts }
                usleep(20)
            }
        }
    }
}
