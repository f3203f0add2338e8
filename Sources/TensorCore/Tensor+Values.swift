import CKernels

extension Tensor {
    /// The values as floats, from any floating type.
    public func floats() -> [Float] {
        switch dtype {
        case .f32: Array(UnsafeBufferPointer(start: f32(), count: count))
        case .f64: UnsafeBufferPointer(start: f64(), count: count).map { Float($0) }
        case .bf16: converted(to: .f32).floats()
        case .i32, .u8: preconditionFailure("floats of a \(dtype) tensor")
        }
    }

    /// The values as doubles, from any floating type.
    public func doubles() -> [Double] {
        if dtype == .f64 { return Array(UnsafeBufferPointer(start: f64(), count: count)) }
        return floats().map { Double($0) }
    }

    /// The values of an i32 tensor.
    public func ints() -> [Int32] { Array(UnsafeBufferPointer(start: i32(), count: count)) }

    /// A tensor of another floating type; bfloat16 rounds to nearest even.
    public func converted(to wanted: DType) -> Tensor {
        if wanted == dtype { return self }
        if (dtype, wanted) == (.f64, .bf16) || (dtype, wanted) == (.bf16, .f64) {
            return converted(to: .f32).converted(to: wanted)
        }
        let result = Tensor(uninitialized: shape, wanted)
        switch (dtype, wanted) {
        case (.f32, .bf16): dmt_f32_to_bf16(result.bf16(), f32(), count)
        case (.bf16, .f32): dmt_bf16_to_f32(result.f32(), bf16(), count)
        case (.f32, .f64): for i in 0..<count { result.f64()[i] = Double(f32()[i]) }
        case (.f64, .f32): for i in 0..<count { result.f32()[i] = Float(f64()[i]) }
        default: preconditionFailure("no conversion from \(dtype) to \(wanted)")
        }
        return result
    }

    /// True when every value is a finite number.
    public var isFinite: Bool {
        switch dtype {
        case .f32, .f64: Kernels.table(dtype).pointee.sum(raw, count).isFinite
        case .bf16: converted(to: .f32).isFinite
        default: true
        }
    }
}
