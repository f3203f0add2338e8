import SafeFiles
import Testing

@testable import CheckpointIO

/// Tensors and storages of a pickle: every number is checked before it is used.
@Suite struct TensorRuleTests {
    private func expectRefusal(
        _ part: String, _ location: SourceLocation = #_sourceLocation, _ write: (inout PickleAssembler) -> Void
    ) {
        do throws(DataError) {
            _ = try openCheckpoint(checkpoint(PickleAssembler.pickle(write)))
            Issue.record("was read; expected a refusal with '\(part)'", sourceLocation: location)
        } catch {
            #expect(error.description.contains(part), "\(error)", sourceLocation: location)
        }
    }

    private func bytes(_ write: (inout PickleAssembler) -> Void) throws -> [UInt8] {
        let file = try openCheckpoint(checkpoint(PickleAssembler.pickle(write)))
        guard case .tensor(let tensor) = file.value else { return [] }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: tensor.byteCount, alignment: 8)
        defer { buffer.deallocate() }
        try file.read(tensor, into: buffer)
        return Array(buffer)
    }

    @Test func viewsAreGathered() throws {
        #expect(try bytes { $0.tensor() } == (0..<24).map { UInt8($0) })
        #expect(try bytes { $0.tensor(shape: [3, 2], strides: [1, 3]) }[0..<8] == [0, 1, 2, 3, 12, 13, 14, 15])
        #expect(try bytes { $0.tensor(offset: 5, shape: [], strides: []) } == [20, 21, 22, 23])
        #expect(try bytes { $0.tensor(offset: 5, shape: [3], strides: [0]) }.count == 12)
        #expect(try bytes { $0.tensor(offset: 99, shape: [0, 4], strides: [1 << 62, 1 << 62]) } == [])
    }

    @Test func elementsLieInsideTheStorage() {
        expectRefusal("inside storage 0") { $0.tensor(offset: 1) }
        expectRefusal("inside storage 0") { $0.tensor(offset: 6, shape: [], strides: []) }
        expectRefusal("inside storage 0") { $0.tensor(shape: [2, 3], strides: [4, 1]) }
        expectRefusal("inside storage 0") { $0.tensor(offset: .max, shape: [1], strides: [1]) }
        expectRefusal("strides inside") { $0.tensor(offset: .max, shape: [2], strides: [1]) }
        expectRefusal("strides inside") { $0.tensor(shape: [3], strides: [.max]) }
        expectRefusal("strides inside") { $0.tensor(shape: [3, 3], strides: [1 << 61, 1 << 61]) }
        expectRefusal("2^63 bits") { $0.tensor(shape: [1 << 40, 1 << 40], strides: [0, 0]) }
        expectRefusal("2^63 bits") { $0.tensor(shape: [1 << 40, 1 << 40, 0], strides: [0, 0, 0]) }
        expectRefusal("strides from 0") { $0.tensor(shape: [2], strides: [-1]) }
        expectRefusal("sizes from 0") { $0.tensor(shape: [-2], strides: [1]) }
        expectRefusal("offset from 0") { $0.tensor(offset: -1, shape: [2], strides: [1]) }
        expectRefusal("as many strides as sizes") { $0.tensor(shape: [2], strides: [1, 1]) }
        expectRefusal("at most 32 sizes") {
            $0.tensor(shape: Array(repeating: 1, count: 33), strides: Array(repeating: 1, count: 33))
        }
    }

    /// A tensor that repeats a small storage may not fill the memory.
    @Test func repetitionIsLimited() throws {
        expectRefusal("repeated from a storage") { $0.tensor(shape: [1 << 30], strides: [0]) }
        expectRefusal("at most 67108864 bytes") { $0.tensor(shape: [(1 << 24) + 1], strides: [0]) }
        #expect(try bytes { $0.tensor(shape: [1 << 10, 1 << 10], strides: [0, 0]) }.count == 4 << 20)
    }

    /// CVE-2026-24747: the pickle's number of elements against the bytes of the record.
    @Test func storagesHaveTheDeclaredSize() {
        expectRefusal("28 bytes for 7 of F32") { $0.tensor(storageCount: 7) }
        expectRefusal("20 bytes for 5 of F32") { $0.tensor(storageCount: 5, shape: [5], strides: [1]) }
        expectRefusal("48 bytes for 6 of I64") { $0.tensor(type: "LongStorage") }
        expectRefusal("2^63 bits") { $0.tensor(storageCount: 1 << 60) }
        expectRefusal("2^63 bits") { $0.tensor(storageCount: -1) }
        expectRefusal("a record data/1") { $0.tensor(key: "1") }
        expectRefusal("one type and size of storage 0") { pickle in
            pickle.tuple {
                $0.tensor()
                $0.tensor(type: "IntStorage")
            }
        }
    }

    @Test func storageReferencesHaveOneForm() {
        for key in ["", "a", "../data/0", "0/", "-1", "٣", "00000000000000000000"] {
            expectRefusal("a storage key of digits") { $0.tensor(key: key) }
        }
        for type in ["ComplexFloatStorage", "QInt8Storage", "UntypedStorage"] {
            expectRefusal("torch.\(type)") { $0.tensor(type: type) }
        }
        expectRefusal("a reference to a storage") { $0.op(.emptyTuple, .persistentID) }
        expectRefusal("a reference to a storage") {
            $0.string("os.system")
            $0.op(.persistentID)
        }
        expectRefusal("a reference to a storage") { pickle in
            pickle.tuple {
                $0.string("module")
                $0.global("torch", "FloatStorage")
                $0.string("0")
                $0.string("cpu")
                $0.int(6)
            }
            pickle.op(.persistentID)
        }
        expectRefusal("a reference to a storage") { pickle in
            pickle.tuple {
                $0.string("storage")
                $0.global("torch", "float32")
                $0.string("0")
                $0.string("cpu")
                $0.int(6)
            }
            pickle.op(.persistentID)
        }
    }

    @Test func tensorsHaveOneForm() {
        let form = "storage, offset, sizes, strides and no hooks"
        expectRefusal(form) { $0.call("torch._utils", "_rebuild_tensor_v2") { _ in } }
        expectRefusal(form) { pickle in
            pickle.call("torch._utils", "_rebuild_tensor_v2") {
                $0.storage()
                $0.int(0)
                $0.ints([6])
                $0.ints([1])
                $0.op(.newFalse, .emptyDict)
                $0.string("hook")
                $0.op(.none, .setItem)
            }
        }
        expectRefusal(form) { pickle in
            pickle.call("torch._utils", "_rebuild_tensor_v2") {
                $0.storage()
                $0.int(0)
                $0.ints([6])
                $0.ints([1])
                $0.op(.newFalse, .emptyDict, .emptyDict)
                $0.string("conj")
                $0.op(.newTrue, .setItem)
            }
        }
        expectRefusal(form) { pickle in
            pickle.call("torch._utils", "_rebuild_tensor_v2") {
                $0.op(.emptyList)
                $0.int(0)
                $0.ints([6])
                $0.ints([1])
                $0.op(.newFalse, .emptyDict)
            }
        }
        expectRefusal("no hooks of a parameter") { pickle in
            pickle.call("torch._utils", "_rebuild_parameter") { $0.op(.none, .newTrue, .emptyDict) }
        }
        expectRefusal("no hooks of a parameter") { pickle in
            pickle.call("torch._utils", "_rebuild_parameter") { $0.tensor() }
        }
    }
}
