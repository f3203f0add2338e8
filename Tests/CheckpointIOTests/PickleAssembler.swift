import SafeFiles
import TestSupport

@testable import CheckpointIO

/// Pickles written by hand, one instruction after another.
struct PickleAssembler {
    var bytes: [UInt8] = [0x80, 2]

    /// A whole pickle: protocol, the instructions, STOP.
    static func pickle(_ write: (inout PickleAssembler) -> Void) -> [UInt8] {
        var assembler = PickleAssembler()
        write(&assembler)
        return assembler.bytes + [PickleOpcode.stop.rawValue]
    }

    mutating func op(_ opcodes: PickleOpcode...) { bytes += opcodes.map(\.rawValue) }
    mutating func raw(_ values: [UInt8]) { bytes += values }

    mutating func string(_ text: String) {
        op(.binUnicode)
        bytes += littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    mutating func int(_ value: Int) {
        op(.long1)
        bytes += [8] + littleEndian(UInt64(bitPattern: Int64(value)))
    }

    mutating func double(_ value: Double) {
        op(.binFloat)
        bytes += littleEndian(value.bitPattern).reversed()
    }

    mutating func global(_ module: String, _ name: String) {
        op(.global)
        bytes += Array("\(module)\n\(name)\n".utf8)
    }

    mutating func put(_ key: UInt32) {
        op(.longBinPut)
        bytes += littleEndian(key)
    }

    mutating func get(_ key: UInt32) {
        op(.longBinGet)
        bytes += littleEndian(key)
    }

    mutating func tuple(_ write: (inout PickleAssembler) -> Void) {
        op(.mark)
        write(&self)
        op(.tuple)
    }

    mutating func ints(_ values: [Int]) { tuple { for value in values { $0.int(value) } } }

    /// A call: the function's name and its arguments.
    mutating func call(_ module: String, _ name: String, _ arguments: (inout PickleAssembler) -> Void) {
        global(module, name)
        tuple(arguments)
        op(.reduce)
    }

    mutating func storage(_ key: String = "0", _ type: String = "FloatStorage", _ count: Int = 6) {
        tuple {
            $0.string("storage")
            $0.global("torch", type)
            $0.string(key)
            $0.string("cpu")
            $0.int(count)
        }
        op(.persistentID)
    }

    /// A tensor as `torch.save` writes it.
    mutating func tensor(
        key: String = "0", type: String = "FloatStorage", storageCount: Int = 6, offset: Int = 0,
        shape: [Int] = [2, 3],
        strides: [Int] = [3, 1]
    ) {
        call("torch._utils", "_rebuild_tensor_v2") {
            $0.storage(key, type, storageCount)
            $0.int(offset)
            $0.ints(shape)
            $0.ints(strides)
            $0.op(.newFalse)
            $0.call("collections", "OrderedDict") { _ in }
        }
    }
}

/// A PyTorch archive around a pickle.
func checkpoint(
    _ pickle: [UInt8], storages: [String: [UInt8]] = ["0": (0..<24).map { UInt8($0) }],
    _ change: (inout HandMadeZip) -> Void = { _ in }
) -> [UInt8] {
    var zip = HandMadeZip.checkpoint(pickle, storages: storages)
    change(&zip)
    return zip.bytes()
}

func openCheckpoint(_ bytes: [UInt8]) throws(DataError) -> PyTorchFile {
    try PyTorchFile(ZipArchive(ByteSource(bytes, name: "t.pth")))
}
