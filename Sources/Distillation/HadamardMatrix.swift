import TensorCore

/// Square matrices of ±1 whose rows are orthogonal, divided by the root of their order.
///
/// Orders are those of Kronecker products of Sylvester's matrix of order 2 and Paley's matrices of both kinds over fields
/// of prime size: all usual widths of a ViT (96, 128, 192, 384, 768, 1024, 1152, 1280, 1408, 1536). It is not known whether
/// every multiple of 4 has one; here 92 and 116, among others, have none.
/// - Source: Sylvester 1867; Paley 1933, "On orthogonal matrices", J. Math. Phys. 12.
public enum HadamardMatrix {
    /// An order that has no matrix here.
    public struct Unsupported: Error, CustomStringConvertible, Sendable, Equatable {
        public let order: Int

        public var description: String {
            let near = [(order - 1), (order + 1)].compactMap { start in
                stride(from: start, through: start < order ? 1 : 2 * order + 4, by: start < order ? -1 : 1)
                    .first(where: HadamardMatrix.exists)
            }
            return "no Hadamard matrix of order \(order) is built here; the nearest orders are "
                + near.map(String.init).joined(separator: " and ")
        }
    }

    private enum Factor {
        case sylvester
        /// Of order `q + 1`, q mod 4 = 3.
        case paleyI(q: Int)
        /// Of order `2 (q + 1)`, q mod 4 = 1.
        case paleyII(q: Int)
    }

    /// Whether `normalized(order:)` has a matrix.
    public static func exists(order: Int) -> Bool { factors(order) != nil }

    /// `H`, `(order, order)` f64, with `H Hᵀ = 1` and entries of one size.
    public static func normalized(order: Int) throws(Unsupported) -> Tensor {
        guard let factors = factors(order) else { throw Unsupported(order: order) }
        var (signs, size) = ([1], 1)
        for factor in factors {
            let (block, width) = matrix(factor)
            let product = size * width
            var next = [Int](repeating: 0, count: product * product)
            for i in 0..<product {
                for j in 0..<product {
                    next[i * product + j] =
                        signs[i / width * size + j / width] * block[i % width * width + j % width]
                }
            }
            (signs, size) = (next, product)
        }
        let scale = 1 / Double(order).squareRoot()
        return Tensor(signs.map { Double($0) * scale }, [order, order])
    }

    /// As many doublings as can be, then one Paley matrix; else two orders whose product it is.
    private static func factors(_ order: Int) -> [Factor]? {
        if order == 1 { return [] }
        if order == 2 { return [.sylvester] }
        if order < 1 || order % 4 != 0 { return nil }
        for doublings in stride(from: order.trailingZeroBitCount, through: 0, by: -1) {
            let rest = order >> doublings
            let twos = [Factor](repeating: .sylvester, count: doublings)
            if rest == 1 { return twos }
            if let paley = paley(rest) { return twos + [paley] }
        }
        var divisor = 4
        while divisor * divisor <= order {
            if order % divisor == 0, let first = factors(divisor), let second = factors(order / divisor) {
                return first + second
            }
            divisor += 4
        }
        return nil
    }

    private static func paley(_ order: Int) -> Factor? {
        let (first, second) = (order - 1, order / 2 - 1)
        if first % 4 == 3 && isPrime(first) { return .paleyI(q: first) }
        if order % 2 == 0 && second % 4 == 1 && isPrime(second) { return .paleyII(q: second) }
        return nil
    }

    private static func isPrime(_ n: Int) -> Bool {
        if n < 2 { return false }
        var divisor = 2
        while divisor * divisor <= n {
            if n % divisor == 0 { return false }
            divisor += 1
        }
        return true
    }

    private static func matrix(_ factor: Factor) -> (entries: [Int], width: Int) {
        switch factor {
        case .sylvester: return ([1, 1, 1, -1], 2)
        case .paleyI(let q):
            var entries = conference(q, corner: -1)
            for i in 0...q { entries[i * (q + 1) + i] += 1 }
            return (entries, q + 1)
        case .paleyII(let q):
            let (core, half) = (conference(q, corner: 1), q + 1)
            var entries = [Int](repeating: 0, count: 4 * half * half)
            for i in 0..<2 * half {
                for j in 0..<2 * half {
                    let (value, place) = (core[i / 2 * half + j / 2], i % 2 * 2 + j % 2)
                    entries[i * 2 * half + j] = value == 0 ? [1, -1, -1, -1][place] : value * [1, 1, 1, -1][place]
                }
            }
            return (entries, 2 * half)
        }
    }

    /// `[[0, 1ᵀ], [corner · 1, χ(i − j)]]`, where χ is 1 at squares modulo q, -1 at other numbers and 0 at 0.
    private static func conference(_ q: Int, corner: Int) -> [Int] {
        var character = [Int](repeating: -1, count: q)
        for i in 1..<q { character[i * i % q] = 1 }
        character[0] = 0
        let width = q + 1
        var entries = [Int](repeating: 0, count: width * width)
        for i in 1...q {
            entries[i] = 1
            entries[i * width] = corner
            for j in 1...q { entries[i * width + j] = character[(i - j + q) % q] }
        }
        return entries
    }
}
