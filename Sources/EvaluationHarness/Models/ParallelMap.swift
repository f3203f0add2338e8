import Determinism

/// A parallel map that may throw.
enum ParallelMap {
    /// The values in index order; of several errors, that of the lowest index.
    static func map<Value>(_ count: Int, _ body: (Int) throws -> Value) throws -> [Value] {
        let results = [Result<Value, any Error>](unsafeUninitializedCapacity: count) { buffer, filled in
            let base = buffer.baseAddress
            Parallel.forEach(count) { index in
                (base! + index).initialize(to: Result { try body(index) })
            }
            filled = count
        }
        return try results.map { try $0.get() }
    }
}
