/// A file's bytes as a failing disk leaves them: one bit turned over at each of 1,000 places over the whole file, and cut short at
/// each of 200 lengths.
public struct DamagedBytes: Sequence, IteratorProtocol {
    private static let (flips, cuts) = (1000, 200)
    private let whole: [UInt8]
    private var number = 0

    public init(_ whole: [UInt8]) { self.whole = whole }

    /// What was done, and the bytes after it.
    public mutating func next() -> (damage: String, bytes: [UInt8])? {
        defer { number += 1 }
        if number < Self.flips {
            let bit = number * (whole.count * 8 - 1) / (Self.flips - 1)
            var changed = whole
            changed[bit / 8] ^= 1 << (bit % 8)
            return ("bit \(bit)", changed)
        }
        guard number < Self.flips + Self.cuts else { return nil }
        let count = (number - Self.flips) * whole.count / Self.cuts
        return ("cut to \(count)", Array(whole.prefix(count)))
    }
}
