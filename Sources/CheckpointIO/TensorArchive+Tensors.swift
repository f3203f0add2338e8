import SafeFiles
import TensorCore

extension TensorArchive {
    /// All tensors, or those that `wanted` accepts, each as `tensor(_:)` gives it.
    public func tensors(where wanted: (String) -> Bool = { _ in true }) throws(DataError) -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for entry in entries where wanted(entry.name) { tensors[entry.name] = try tensor(entry.name) }
        return tensors
    }

    /// A tensor as f32, from any floating type; f64 rounds to nearest even, all others are exact.
    ///
    /// - Throws: `DataError` for an unknown name, damaged data, or a tensor of whole numbers.
    public func floats(of name: String) throws(DataError) -> Tensor {
        let entry = try entry(name)
        guard [.f16, .bf16, .f32, .f64].contains(entry.type) else {
            throw DataError(
                .malformed, file: path, record: "tensor '\(name)'", expected: "F64, F32, F16 or BF16",
                found: entry.type.rawValue, remedy: "leave the tensor out")
        }
        return try tensor(name).converted(to: .f32)
    }

    /// Reads a tensor into one of as many values; without memory beside it where their types are the same.
    ///
    /// - Throws: as `tensor(_:)`.
    public func read(_ name: String, into target: Tensor) throws(DataError) {
        let entry = try entry(name)
        precondition(entry.count == target.count, "read '\(name)': \(entry.shape) into \(target.shape)")
        let same: SafetensorsType? =
            switch target.dtype {
            case .f32: .f32
            case .f64: .f64
            case .bf16: .bf16
            case .i32, .u8: nil
            }
        guard entry.type == same else { return target.assign(try tensor(name).converted(to: target.dtype)) }
        try read(name, into: UnsafeMutableRawBufferPointer(start: target.raw, count: target.byteCount))
    }

    /// Reads a tensor.
    ///
    /// | in the file | in memory |
    /// |:--|:--|
    /// | F32, F64, BF16, I32, U8 | the same |
    /// | F16 | f32, exact |
    /// | BOOL | u8, 0 or 1 |
    /// | I8, I16, U16, I64, U32, U64 | i32, refused where a value does not fit |
    ///
    /// - Throws: `DataError` for an unknown name, damaged data, or a type with no equal here.
    public func tensor(_ name: String) throws(DataError) -> Tensor {
        let entry = try entry(name)
        switch entry.type {
        case .f32: return try exact(entry, .f32)
        case .f64: return try exact(entry, .f64)
        case .bf16: return try exact(entry, .bf16)
        case .i32: return try exact(entry, .i32)
        case .u8: return try exact(entry, .u8)
        case .bool:
            let tensor = try exact(entry, .u8)
            let values = UnsafeBufferPointer(start: tensor.raw.assumingMemoryBound(to: UInt8.self), count: tensor.count)
            guard values.allSatisfy({ $0 <= 1 }) else { throw misfit(entry, "0 or 1 in a BOOL tensor") }
            return tensor
        case .f16:
            let tensor = Tensor(uninitialized: entry.shape, .f32)
            try convert(entry, to: tensor.f32()) { (bits: UInt16) in HalfFloat.float(UInt16(littleEndian: bits)) }
            return tensor
        case .i8: return try integers(entry, Int8.self)
        case .i16: return try integers(entry, Int16.self)
        case .u16: return try integers(entry, UInt16.self)
        case .u32: return try integers(entry, UInt32.self)
        case .i64: return try integers(entry, Int64.self)
        case .u64: return try integers(entry, UInt64.self)
        case .c64, .f8e5m2, .f8e4m3, .f8e8m0, .f6e2m3, .f6e3m2, .f4:
            throw DataError(
                .malformed, file: path, record: "tensor '\(name)'",
                expected: "F64, F32, F16, BF16, BOOL or an integer type", found: entry.type.rawValue,
                remedy: "convert the checkpoint to F32 or BF16")
        }
    }

    /// Bytes as they stand; all supported machines are little-endian like the format.
    private func exact(_ entry: TensorEntry, _ type: DType) throws(DataError) -> Tensor {
        let tensor = Tensor(uninitialized: entry.shape, type)
        try read(entry.name, into: UnsafeMutableRawBufferPointer(start: tensor.raw, count: tensor.byteCount))
        return tensor
    }

    private func integers<Source: FixedWidthInteger>(
        _ entry: TensorEntry, _: Source.Type
    ) throws(DataError) -> Tensor {
        let tensor = Tensor(uninitialized: entry.shape, .i32)
        try convert(entry, to: tensor.i32()) { (value: Source) in Int32(exactly: Source(littleEndian: value)) }
        return tensor
    }

    private func convert<Source, Target>(
        _ entry: TensorEntry, to target: UnsafeMutablePointer<Target>, _ value: (Source) -> Target?
    ) throws(DataError) {
        let bytes = try bytes(of: entry.name)
        let fits = bytes.withUnsafeBytes { raw in
            for i in 0..<entry.count {
                let source = raw.loadUnaligned(fromByteOffset: i * MemoryLayout<Source>.size, as: Source.self)
                guard let converted = value(source) else { return false }
                target[i] = converted
            }
            return true
        }
        guard fits else { throw misfit(entry, "values from -2147483648 to 2147483647") }
    }

    private func misfit(_ entry: TensorEntry, _ expected: String) -> DataError {
        DataError(
            .malformed, file: path, record: "tensor '\(entry.name)'", expected: expected, found: "a value outside",
            remedy: "convert the tensor or leave it out")
    }
}
