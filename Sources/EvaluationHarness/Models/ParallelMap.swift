import Determinism

/// A parallel map that may throw.
enum ParallelMap {
    /// The values in index order; of several errors, that of the lowest index.
    static func map<Value, Failure: Error>(
        _ count: Int, _ body: (Int) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        let results = [Result<Value, Failure>](unsafeUninitializedCapacity: count) { buffer, filled in
            let base = buffer.baseAddress
            Parallel.forEach(count) { index in
                (base! + index).initialize(to: Result { () throws(Failure) in try body(index) })
            }
            filled = count
        }
        return try results.map { result throws(Failure) in try result.get() }
    }
}
