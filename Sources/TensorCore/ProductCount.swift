import Synchronization

/// Counts the arithmetic of matrix products, convolutions and attention: the operations that `fvcore` counts, two a multiply-add.
public enum ProductCount {
    private static let total = Atomic<Int>(0)

    /// Called by every operation that multiplies matrices.
    public static func add(multiplyAdds: Int) { total.wrappingAdd(2 * multiplyAdds, ordering: .relaxed) }

    /// Floating-point operations of all products so far.
    public static var sum: Int { total.load(ordering: .relaxed) }

    /// Floating-point operations of the products in `body`. Others that run at the same time are counted too.
    public static func flops<Failure: Error>(of body: () throws(Failure) -> Void) throws(Failure) -> Int {
        let before = total.load(ordering: .relaxed)
        try body()
        return total.load(ordering: .relaxed) &- before
    }
}
