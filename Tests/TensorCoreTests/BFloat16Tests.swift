import TensorCore
import Testing

@Suite struct BFloat16Tests {
    private func rounded(_ value: Float) -> UInt16 { Tensor([value], [1]).converted(to: .bf16).bf16()[0] }

    private static let roundings: [(value: Float, bits: UInt16)] = [
        (1, 0x3f80), (-0.0, 0x8000), (0, 0),
        (0x1.01p0, 0x3f80),  // a tie goes to the even neighbour below
        (0x1.03p0, 0x3f82),  // a tie goes to the even neighbour above
        (0x1.01001p0, 0x3f81),  // just above a tie
        (0x1.02fffp0, 0x3f81),  // just below a tie
        (-0x1.03p0, 0xbf82), (Float.infinity, 0x7f80), (-Float.infinity, 0xff80),
        (Float.greatestFiniteMagnitude, 0x7f80),  // rounds to infinity
        (0x1.fep127, 0x7f7f), (0x1p-133, 1), (0x1p-134, 0), (0x3p-134, 2), (Float.leastNonzeroMagnitude, 0),
    ]

    @Test func roundsToNearestEven() {
        for (value, bits) in Self.roundings { #expect(rounded(value) == bits, "\(value)") }
    }

    @Test(arguments: [UInt32(0x7f80_0001), 0x7fff_ffff, 0x7fc0_0000, 0xff80_0001, 0xffff_ffff])
    func notANumberStaysSo(bits: UInt32) {
        let result = rounded(Float(bitPattern: bits))
        #expect(result & 0x7f80 == 0x7f80 && result & 0x7f != 0, "\(bits) gave \(result)")
        #expect(result >> 15 == UInt16(bits >> 31))
    }

    @Test func everyValueSurvivesTheRoundTrip() {
        let all = Tensor(uninitialized: [65536], .bf16)
        for bits in 0..<65536 { all.bf16()[bits] = UInt16(bits) }
        let back = all.converted(to: .f32).converted(to: .bf16)
        let wrong = (0..<65536).filter { bits in
            let isNaN = bits & 0x7f80 == 0x7f80 && bits & 0x7f != 0
            // A signalling NaN comes back quiet.
            return back.bf16()[bits] != UInt16(bits) | (isNaN ? 0x40 : 0)
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(5))")
    }

    @Test func doublesGoByWayOfFloats() {
        let values = Tensor([1.003, -2.5e-5, 3e7], [3])
        let rounded = values.converted(to: .f32).converted(to: .bf16)
        #expect(values.converted(to: .bf16).floats() == rounded.floats())
        #expect(rounded.converted(to: .f64).doubles() == rounded.floats().map { Double($0) })
    }
}
