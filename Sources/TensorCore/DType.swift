/// What a tensor's values are.
public enum DType: String, Sendable, CaseIterable {
    case f32, f64, bf16, i32, u8

    /// Bytes of one value.
    public var size: Int {
        switch self {
        case .f64: 8
        case .f32, .i32: 4
        case .bf16: 2
        case .u8: 1
        }
    }
}
