import TestSupport

/// Pickles written by hand, one instruction after another.
enum PickleText {
    static func pickle(_ parts: [UInt8]...) -> [UInt8] { [0x80, 2] + parts.flatMap { $0 } + op(".") }
    static func op(_ letters: String) -> [UInt8] { Array(letters.utf8) }
    static func text(_ text: String) -> [UInt8] { op("X") + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8) }
    static func int(_ value: Int) -> [UInt8] { [0x8A, 8] + littleEndian(Int64(value)) }
    static func ints(_ values: [Int]) -> [UInt8] { op("(") + values.flatMap(int) + op("t") }
    static func global(_ module: String, _ name: String) -> [UInt8] { op("c\(module)\n\(name)\n") }
    static func call(_ module: String, _ name: String, _ arguments: [UInt8]...) -> [UInt8] {
        global(module, name) + op("(") + arguments.flatMap { $0 } + op("tR")
    }

    static func storage(key: String = "0", type: String = "FloatStorage", count: Int = 6) -> [UInt8] {
        op("(") + text("storage") + global("torch", type) + text(key) + text("cpu") + int(count) + op("tQ")
    }

    static func tensor(
        _ storage: [UInt8] = storage(), offset: Int = 0, shape: [Int] = [2, 3], strides: [Int] = [3, 1]
    ) -> [UInt8] {
        call(
            "torch._utils", "_rebuild_tensor_v2", storage, int(offset), ints(shape), ints(strides), [0x89],
            call("collections", "OrderedDict"))
    }

    /// `{"w": value}`
    static func state(_ value: [UInt8]) -> [UInt8] { pickle(op("}"), text("w"), value, op("s")) }

    /// A checkpoint around a pickle, with one storage of 24 bytes.
    static func file(_ pickle: [UInt8], _ change: (inout HandMadeZip) -> Void = { _ in }) -> [UInt8] {
        var zip = HandMadeZip.checkpoint(pickle, storages: ["0": (0..<24).map { UInt8($0) }])
        change(&zip)
        return zip.bytes()
    }
}
