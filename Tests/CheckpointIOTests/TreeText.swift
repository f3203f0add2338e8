import Determinism
import SafeFiles

@testable import CheckpointIO

/// The text of a whole tree, as `Tests/Fixtures/checkpoints/make_checkpoints.py` writes it.
func describe(_ value: PyTorchValue, _ file: PyTorchFile) throws(DataError) -> String {
    switch value {
    case .none: return "N"
    case .bool(let flag): return flag ? "T" : "F"
    case .int(let number): return "i\(number)"
    case .double(let number):
        let digits = String(number.bitPattern, radix: 16)
        return "d" + String(repeating: "0", count: 16 - digits.count) + digits
    case .string(let text): return "s\(text.utf8.count):\(text)"
    case .list(let items): return "[" + (try describe(items, file)) + "]"
    case .tuple(let items): return "(" + (try describe(items, file)) + ")"
    case .dict(let members):
        let parts = try members.map { member throws(DataError) in
            try describe(member.key, file) + "=" + describe(member.value, file)
        }
        return "{" + parts.joined(separator: ",") + "}"
    case .tensor(let tensor):
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: tensor.byteCount, alignment: 8)
        defer { buffer.deallocate() }
        try file.read(tensor, into: buffer)
        return describe(tensor.type, tensor.shape, Array(buffer))
    case .opaque(let opaque):
        if opaque.name.hasSuffix(".multiarray.scalar") { return "oscalar" }
        return "o\(opaque.name)" + (try opaque.state.map { state throws(DataError) in try describe(state, file) } ?? "")
    }
}

private func describe(_ items: [PyTorchValue], _ file: PyTorchFile) throws(DataError) -> String {
    try items.map { item throws(DataError) in try describe(item, file) }.joined(separator: ",")
}

func describe(_ type: SafetensorsType, _ shape: [Int], _ bytes: [UInt8]) -> String {
    "t\(type.rawValue)[\(shape.map(String.init).joined(separator: ","))]\(SHA256.hex(bytes).prefix(16))"
}
