import SafeFiles

/// What stands before the numbers of a `.npy` file: element type, order and shape.
///
/// The header is a Python literal, read by a grammar of its own: a dict of exactly the keys `descr`, `fortran_order` and
/// `shape`, in any order.
///
/// - Source: numpy/lib/format.py, versions 1.0, 2.0 and 3.0.
struct NumPyHeader: Equatable {
    static let textLimit = 64 << 10
    static let rankLimit = 32

    var type: SafetensorsType
    var shape: [Int]
    /// The first axis varies fastest.
    var isFortranOrder: Bool
    /// Bytes before the numbers.
    var dataOffset: Int

    /// Number of elements; 1 for rank 0.
    var count: Int { shape.reduce(1, *) }
    var byteCount: Int { count * (type.bitCount / 8) }

    /// Elements between neighbours of each axis.
    var strides: [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        var stride = 1
        let axes = isFortranOrder ? Array(shape.indices) : shape.indices.reversed()
        for axis in axes {
            strides[axis] = stride
            stride *= max(shape[axis], 1)
        }
        return strides
    }

    /// Reads the header of an array of `size` bytes, which must end with its last number.
    ///
    /// - Parameter bytes: the array's first bytes, as many as `prefixSize` says, or all.
    init(_ bytes: [UInt8], size: Int, file: String, record: String?) throws(DataError) {
        func refused(_ expected: String, _ found: String) -> DataError {
            DataError(
                .malformed, file: file, record: record, expected: expected, found: found,
                remedy: "write the array again with numpy.save")
        }
        guard bytes.count >= 12, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
            throw refused("a NumPy array", "other bytes")
        }
        guard (1...3).contains(bytes[6]), bytes[7] == 0 else {
            throw refused("version 1.0, 2.0 or 3.0", "\(bytes[6]).\(bytes[7])")
        }
        let textStart = bytes[6] == 1 ? 10 : 12
        let textCount = bytes[6] == 1 ? Int(bytes.uint16(at: 8)) : Int(bytes.uint32(at: 8))
        guard textCount <= Self.textLimit else {
            throw refused("a header of at most \(Self.textLimit) bytes", "\(textCount)")
        }
        guard bytes.count >= textStart + textCount else { throw refused("a whole header", "the end of the data") }
        var literal = NumPyLiteral(bytes[textStart..<textStart + textCount])
        guard let fields = literal.fields() else {
            throw refused("a header with descr, fortran_order and shape alone", "another literal")
        }
        guard let type = Self.types[fields.descr] else {
            throw refused(
                "little-endian f2, f4, f8, i1, i2, i4, i8, u1 or b1",
                fields.descr.contains("O") ? "Python objects" : "'\(fields.descr)'")
        }
        guard fields.shape.count <= Self.rankLimit else {
            throw refused("at most \(Self.rankLimit) axes", "\(fields.shape.count)")
        }
        var bits = type.bitCount
        for axis in fields.shape {
            let (product, overflow) = bits.multipliedReportingOverflow(by: axis)
            guard !overflow else { throw refused("a size below 2^63 bits", "shape \(fields.shape)") }
            bits = product
        }
        (self.type, shape, isFortranOrder) = (type, fields.shape, fields.isFortranOrder)
        dataOffset = textStart + textCount
        guard size >= dataOffset, size - dataOffset == bits / 8 else {
            throw refused("\(bits / 8) bytes for shape \(fields.shape)", "\(size - dataOffset)")
        }
        guard dataOffset % (type.bitCount / 8) == 0 else {
            throw refused("numbers at a multiple of their size", "byte \(dataOffset)")
        }
    }

    /// As many bytes as most headers have.
    static let usualPrefixSize = 512

    /// How many bytes the header that starts so has, or would have within the limits.
    static func prefixSize(_ start: [UInt8]) -> Int {
        guard start.count >= 12 else { return start.count }
        let textCount = start[6] == 1 ? Int(start.uint16(at: 8)) : Int(start.uint32(at: 8))
        return 12 + min(textCount, textLimit)
    }

    private static let types: [String: SafetensorsType] = [
        "<f2": .f16, "<f4": .f32, "<f8": .f64, "|i1": .i8, "<i2": .i16, "<i4": .i32, "<i8": .i64, "|u1": .u8,
        "|b1": .bool,
    ]
}
