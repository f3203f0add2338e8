import SafeFiles
import TestSupport
import Testing

@testable import CheckpointIO

/// Streams made to exhaust memory, time or the call stack of their reader.
@Suite struct PickleLimitTests {
    private func expectRefusal(
        _ part: String, _ location: SourceLocation = #_sourceLocation, _ write: (inout PickleAssembler) -> Void
    ) {
        do throws(DataError) {
            _ = try PickleMachine.read(PickleAssembler.pickle(write), file: "t.pth")
            Issue.record("was read; expected a refusal with '\(part)'", sourceLocation: location)
        } catch {
            #expect(error.description.contains(part), "\(error)", sourceLocation: location)
        }
    }

    private func many(_ opcode: PickleOpcode, _ count: Int) -> [UInt8] {
        Array(repeating: opcode.rawValue, count: count)
    }

    @Test func sizesAreLimited() {
        expectRefusal("at most 250000 values") { pickle in
            for _ in 0...250_000 { pickle.raw([PickleOpcode.binInt1.rawValue, 7]) }
        }
        expectRefusal("at most 1000000 values at once") { $0.raw(many(.none, 1_000_001)) }
        expectRefusal("at most 4000000 uses") { pickle in
            pickle.op(.emptyList)
            for _ in 0..<5 {
                pickle.op(.mark)
                pickle.raw(many(.none, 900_000))
                pickle.op(.appends)
            }
        }
        expectRefusal("values at once") { pickle in
            pickle.op(.none)
            pickle.put(0)
            for _ in 0..<1_000_000 { pickle.raw([PickleOpcode.binGet.rawValue, 0]) }
        }
        expectRefusal("marks") { $0.raw(many(.mark, 1_000_001)) }
        expectRefusal("stored values") { pickle in
            pickle.op(.none)
            for key in 0...1_000_000 { pickle.put(UInt32(key)) }
        }
        expectRefusal("at most 67108864 bytes") { $0.raw(many(.mark, 64 << 20)) }
        expectRefusal("at most 1048576 bytes") { pickle in
            pickle.raw([PickleOpcode.binUnicode.rawValue] + littleEndian(UInt32((1 << 20) + 1)))
        }
        expectRefusal("at most 1048576 bytes") { $0.raw([PickleOpcode.binUnicode.rawValue, 255, 255, 255, 255]) }
        expectRefusal("a name of at most 256 bytes") { $0.global(String(repeating: "a", count: 257), "b") }
    }

    /// Work that a few bytes could ask for again and again.
    @Test func repeatedWorkIsLimited() {
        expectRefusal("a key of at most 1024 bytes") {
            $0.op(.emptyDict)
            $0.string(String(repeating: "k", count: 1025))
            $0.op(.none, .setItem)
        }
        expectRefusal("at most 16 parts of a key") { pickle in
            pickle.op(.emptyDict)
            pickle.tuple { $0.raw(many(.none, 17)) }
            pickle.op(.none, .setItem)
        }
        expectRefusal("at most 32 sizes") { pickle in
            pickle.call("torch", "Size") { $0.ints(Array(repeating: 1, count: 33)) }
        }
    }

    /// Small dicts and large ones refuse a key that stands twice, whenever it comes.
    @Test func repeatedKeysAreFoundInDictsOfAnySize() throws {
        for count in [1, 7, 8, 9, 40] {
            for repeated in [nil, 0, count - 1] {
                let pickle = PickleAssembler.pickle { pickle in
                    pickle.op(.emptyDict)
                    for key in 0..<count {
                        pickle.int(key)
                        pickle.op(.none, .setItem)
                    }
                    pickle.op(.mark)
                    pickle.int(-1)
                    pickle.op(.none)
                    pickle.int(repeated ?? count)
                    pickle.op(.none, .setItems)
                }
                let value = try? PickleMachine.read(pickle, file: "t").value
                #expect(value?.kind == (repeated == nil ? "a dict of \(count + 2)" : nil))
            }
        }
    }

    @Test func aStringOfTheLargestSizeIsRead() throws {
        let text = String(repeating: "x", count: 1 << 20)
        let value = try PickleMachine.read(PickleAssembler.pickle { $0.string(text) }, file: "t").value
        guard case .string(text) = value else {
            Issue.record("read as \(value.kind)")
            return
        }
    }

    /// Nested values: 100 levels are read, one more is not, however the levels come about.
    @Test func depthIsLimited() throws {
        func nested(_ levels: Int) -> [UInt8] {
            PickleAssembler.pickle {
                $0.op(.emptyTuple)
                $0.raw(many(.tuple1, levels - 1))
            }
        }
        _ = try PickleMachine.read(nested(100), file: "t")
        #expect(throws: DataError.self) { try PickleMachine.read(nested(101), file: "t") }
        expectRefusal("100 levels") {
            $0.op(.emptyTuple)
            $0.raw(many(.tuple1, 240_000))
        }
        // A tree of 60 levels, first at the top and then 60 levels down.
        expectRefusal("100 levels") { pickle in
            pickle.op(.emptyTuple)
            pickle.raw(many(.tuple1, 59))
            pickle.put(0)
            pickle.get(0)
            pickle.raw(many(.tuple1, 60))
            pickle.op(.tuple2)
        }
    }

    @Test func valuesDoNotHoldThemselves() {
        expectRefusal("do not hold themselves") {
            $0.op(.emptyList)
            $0.put(0)
            $0.get(0)
            $0.op(.append)
        }
        expectRefusal("do not hold themselves") {
            $0.op(.emptyDict)
            $0.put(0)
            $0.op(.none)
            $0.get(0)
            $0.op(.setItem)
        }
        expectRefusal("do not hold themselves") {
            $0.global("argparse", "Namespace")
            $0.op(.emptyTuple, .newObject)
            $0.put(0)
            $0.op(.emptyDict)
            $0.string("self")
            $0.get(0)
            $0.op(.setItem, .build)
        }
    }

    /// Each level holds the one below twice: 2^60 values in 300 bytes.
    @Test func sharingCannotExplode() {
        expectRefusal("at most 2000000 values") { pickle in
            pickle.op(.emptyTuple)
            for level in 0..<60 {
                pickle.put(UInt32(level))
                pickle.get(UInt32(level))
                pickle.op(.tuple2)
            }
        }
    }

    /// Filling one dict key by key stays linear.
    @Test func manyKeysAreRead() throws {
        let value = try PickleMachine.read(
            PickleAssembler.pickle { pickle in
                pickle.op(.emptyDict)
                for key in 0..<100_000 {
                    pickle.int(key)
                    pickle.op(.none, .setItem)
                }
            }, file: "t"
        ).value
        #expect(value.kind == "a dict of 100000")
    }
}
