/// IEEE 754 half precision, for reading.
enum HalfFloat {
    /// The exact value of 16 bits; a NaN stays a NaN.
    static func float(_ bits: UInt16) -> Float {
        let sign = UInt32(bits >> 15) << 31
        let exponent = UInt32(bits >> 10) & 31
        let fraction = UInt32(bits) & 1023
        switch exponent {
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        case 0:
            // Subnormal: fraction · 2⁻²⁴, which Float holds exactly.
            let magnitude = Float(fraction) * 0x1p-24
            return sign == 0 ? magnitude : -magnitude
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
