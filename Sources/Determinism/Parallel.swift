import Dispatch
import Synchronization

/// A parallel loop whose result cannot depend on the number of threads.
///
/// Callers split work by shape alone and let every index write its own output; which thread runs which index is free.
public enum Parallel {
    private static let threads = Atomic<Int>(0)

    /// Threads used by `forEach`; the number of cores until set.
    public static var threadCount: Int {
        let set = threads.load(ordering: .relaxed)
        return set > 0 ? set : coreCount
    }

    /// Online processor cores.
    public static var coreCount: Int { ProcessInfoCores.count }

    /// - Precondition: `count ≥ 1`.
    public static func setThreadCount(_ count: Int) {
        precondition(count >= 1, "thread count \(count): at least 1")
        threads.store(count, ordering: .relaxed)
    }

    /// Calls `body` once for each index in `0..<count`, in any order, and returns when all calls have returned.
    public static func forEach(_ count: Int, _ body: (Int) -> Void) {
        let workers = min(threadCount, count)
        if workers <= 1 {
            for index in 0..<max(count, 0) { body(index) }
            return
        }
        let next = Atomic<Int>(0)
        withoutActuallyEscaping(body) { body in
            // Safe: concurrentPerform returns only after every call has returned, and each index is taken once.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: workers) { _ in
                while true {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    if index >= count { return }
                    body(index)
                }
            }
        }
    }

    /// Calls `body` for the consecutive ranges of at most `grain` indices that make up `0..<count`.
    public static func forEachRange(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        precondition(grain > 0, "grain \(grain): must be positive")
        forEach((count + grain - 1) / grain) { chunk in
            body(chunk * grain..<min((chunk + 1) * grain, count))
        }
    }
}
