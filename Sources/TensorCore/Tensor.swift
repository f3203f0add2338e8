/// A contiguous, row-major view of shared storage.
///
/// Copies of a tensor share its values: operations that change values in place say so by name. Not `Sendable`: tensors
/// stay with the thread that steps the model; loops inside the engine split them by shape.
public struct Tensor {
    /// Sizes of the axes; `[]` is a scalar.
    public let shape: [Int]
    public let dtype: DType
    public let storage: Storage
    let offset: Int

    /// The number of values.
    public let count: Int
    public var rank: Int { shape.count }

    /// Values are whatever the memory held.
    public init(uninitialized shape: [Int], _ dtype: DType = .f32) {
        precondition(shape.allSatisfy { $0 >= 0 }, "shape \(shape): sizes must not be negative")
        let count = shape.reduce(1, *)
        self.init(shape: shape, dtype: dtype, storage: Storage(byteCount: count * dtype.size), offset: 0, count: count)
    }

    init(shape: [Int], dtype: DType, storage: Storage, offset: Int, count: Int) {
        self.shape = shape
        self.dtype = dtype
        self.storage = storage
        self.offset = offset
        self.count = count
    }

    public static func zeros(_ shape: [Int], _ dtype: DType = .f32) -> Tensor {
        let tensor = Tensor(uninitialized: shape, dtype)
        tensor.raw.initializeMemory(as: UInt8.self, repeating: 0, count: tensor.byteCount)
        return tensor
    }

    public static func full(_ shape: [Int], _ value: Double, _ dtype: DType = .f32) -> Tensor {
        let tensor = Tensor(uninitialized: shape, dtype)
        switch dtype {
        case .f32: tensor.f32().initialize(repeating: Float(value), count: tensor.count)
        case .f64: tensor.f64().initialize(repeating: value, count: tensor.count)
        case .i32: tensor.i32().initialize(repeating: Int32(value), count: tensor.count)
        case .bf16, .u8: preconditionFailure("full: \(dtype) has no fill")
        }
        return tensor
    }

    public init(_ values: [Float], _ shape: [Int]) {
        self.init(uninitialized: shape, .f32)
        precondition(values.count == count, "\(values.count) values for shape \(shape)")
        values.withUnsafeBytes { raw.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(raw), byteCount: $0.count) }
    }

    public init(_ values: [Double], _ shape: [Int]) {
        self.init(uninitialized: shape, .f64)
        precondition(values.count == count, "\(values.count) values for shape \(shape)")
        values.withUnsafeBytes { raw.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(raw), byteCount: $0.count) }
    }

    public init(_ values: [Int32], _ shape: [Int]) {
        self.init(uninitialized: shape, .i32)
        precondition(values.count == count, "\(values.count) values for shape \(shape)")
        values.withUnsafeBytes { raw.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(raw), byteCount: $0.count) }
    }

    public var byteCount: Int { count * dtype.size }

    /// The first value's address; valid while any tensor of this storage lives.
    public var raw: UnsafeMutableRawPointer { storage.pointer + offset * dtype.size }

    public func f32() -> UnsafeMutablePointer<Float> { bound(.f32, Float.self) }
    public func f64() -> UnsafeMutablePointer<Double> { bound(.f64, Double.self) }
    public func i32() -> UnsafeMutablePointer<Int32> { bound(.i32, Int32.self) }
    public func bf16() -> UnsafeMutablePointer<UInt16> { bound(.bf16, UInt16.self) }

    private func bound<T>(_ wanted: DType, _ type: T.Type) -> UnsafeMutablePointer<T> {
        precondition(dtype == wanted, "\(wanted) values of a \(dtype) tensor")
        return raw.assumingMemoryBound(to: type)
    }

    /// The same values under another shape. One size may be -1: it follows from the others.
    public func reshaped(_ shape: [Int]) -> Tensor {
        var resolved = shape
        if let open = shape.firstIndex(of: -1) {
            let known = shape.filter { $0 != -1 }.reduce(1, *)
            precondition(known > 0 && count % known == 0, "reshape \(self.shape) to \(shape)")
            resolved[open] = count / known
        }
        precondition(resolved.reduce(1, *) == count, "reshape \(self.shape) to \(shape): counts differ")
        return Tensor(shape: resolved, dtype: dtype, storage: storage, offset: offset, count: count)
    }

    /// A slice of the first axis; shares storage.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(rank >= 1 && range.lowerBound >= 0 && range.upperBound <= shape[0], "rows \(range) of \(shape)")
        let rowCount = shape.dropFirst().reduce(1, *)
        return Tensor(
            shape: [range.count] + shape.dropFirst(), dtype: dtype, storage: storage,
            offset: offset + range.lowerBound * rowCount, count: range.count * rowCount)
    }

    /// A part of a flat buffer seen under a shape; shares storage.
    public func view(at start: Int, shape: [Int]) -> Tensor {
        let count = shape.reduce(1, *)
        precondition(start >= 0 && start + count <= self.count, "view of \(count) values at \(start) of \(self.count)")
        return Tensor(shape: shape, dtype: dtype, storage: storage, offset: offset + start, count: count)
    }

    public func copy() -> Tensor {
        let result = Tensor(uninitialized: shape, dtype)
        result.raw.copyMemory(from: raw, byteCount: byteCount)
        return result
    }

    /// Overwrites this tensor's values.
    public func assign(_ other: Tensor) {
        precondition(other.count == count && other.dtype == dtype, "assign \(other.shape) to \(shape)")
        raw.copyMemory(from: other.raw, byteCount: byteCount)
    }
}
