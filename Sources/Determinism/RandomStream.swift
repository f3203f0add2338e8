import Foundation

/// Counter-based random numbers: draw `n` of a stream is a pure function of `(seed, purpose, keys, n)`.
///
/// Two streams that differ in any part are independent, so nothing has to be saved or restored: a resumed run, or one
/// with another number of threads, makes the same draws. The generator is Philox 4x32-10.
///
/// - Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", §4.
public struct RandomStream: Sendable, RandomNumberGenerator {
    private let key: UInt64
    private let high: UInt64
    private var counter: UInt64 = 0
    private var buffered: UInt64?
    /// Whether weights drawn from this stream are zeros.
    public private(set) var isBlank = false

    /// - Parameters:
    ///   - seed: the run's seed.
    ///   - purpose: what the draws are for; each use of randomness has its own word.
    ///   - keys: further coordinates, such as epoch and sample id.
    public init(seed: UInt64, purpose: String, _ keys: UInt64...) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        var words: UInt64 = Self.mix(hash)
        for key in keys { words = Self.mix(words ^ Self.mix(key &+ 0x9E37_79B9_7F4A_7C15)) }
        self.key = Self.mix(seed ^ 0xD1B5_4A32_D192_ED03) ^ hash
        self.high = words
    }

    /// For weights that a file overwrites: they are zeros, and nothing is drawn.
    public static let blank: RandomStream = {
        var stream = RandomStream(seed: 0, purpose: "blank")
        stream.isBlank = true
        return stream
    }()

    private static func mix(_ x: UInt64) -> UInt64 {
        var z: UInt64 = x &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 64 uniform bits.
    public mutating func next() -> UInt64 {
        if let word = buffered {
            buffered = nil
            return word
        }
        let block = Self.philox(counter: counter, high: high, key: key)
        counter &+= 1
        buffered = block.1
        return block.0
    }

    /// The stream after `count` more words. Draws take a word each, normal ones two or more.
    public func skipping(_ count: Int) -> RandomStream {
        precondition(count >= 0, "skipping \(count) words")
        var (stream, rest) = (self, count)
        if rest > 0, stream.buffered != nil { (stream.buffered, rest) = (nil, rest - 1) }
        stream.counter &+= UInt64(rest / 2)
        if rest % 2 == 1 { _ = stream.next() }
        return stream
    }

    static func philox(counter: UInt64, high: UInt64, key: UInt64) -> (UInt64, UInt64) {
        var c0 = UInt32(truncatingIfNeeded: counter)
        var c1 = UInt32(truncatingIfNeeded: counter >> 32)
        var c2 = UInt32(truncatingIfNeeded: high)
        var c3 = UInt32(truncatingIfNeeded: high >> 32)
        var k0 = UInt32(truncatingIfNeeded: key)
        var k1 = UInt32(truncatingIfNeeded: key >> 32)
        for _ in 0..<10 {
            let p0: UInt64 = UInt64(0xD251_1F53) &* UInt64(c0)
            let p1: UInt64 = UInt64(0xCD9E_8D57) &* UInt64(c2)
            let n0: UInt32 = UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0
            let n2: UInt32 = UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1
            c0 = n0
            c1 = UInt32(truncatingIfNeeded: p1)
            c2 = n2
            c3 = UInt32(truncatingIfNeeded: p0)
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        return (UInt64(c0) | UInt64(c1) << 32, UInt64(c2) | UInt64(c3) << 32)
    }

    /// A number in [0, 1) with 53 random bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number in the range, uniform.
    public mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// A standard normal number (Box–Muller, cosine branch).
    public mutating func normal() -> Double {
        let u: Double = 1 - uniform()
        let v: Double = uniform()
        return (-2 * Foundation.log(u)).squareRoot() * Foundation.cos(2 * Double.pi * v)
    }

    /// A normal number of the given standard deviation, redrawn until within two of them.
    public mutating func truncatedNormal(_ deviation: Double) -> Double {
        while true {
            let draw = normal()
            if abs(draw) <= 2 { return draw * deviation }
        }
    }

    /// An index in `0..<bound`, uniform (multiply-shift; the bias is below 2^-32 for the bounds used here).
    public mutating func int(below bound: Int) -> Int {
        precondition(bound > 0, "int(below: \(bound)): the bound must be positive")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// True with the given probability.
    public mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

    /// A uniform permutation of `0..<count` (Fisher–Yates, written out so that it never changes with the library).
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        var last = count - 1
        while last > 0 {
            order.swapAt(last, int(below: last + 1))
            last -= 1
        }
        return order
    }
}
