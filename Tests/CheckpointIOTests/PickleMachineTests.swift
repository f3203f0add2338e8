import SafeFiles
import Testing

@testable import CheckpointIO

private func read(_ bytes: [UInt8]) throws(DataError) -> PyTorchValue {
    try PickleMachine.read(bytes, file: "t.pth").value
}

private func read(_ write: (inout PickleAssembler) -> Void) throws(DataError) -> PyTorchValue {
    try read(PickleAssembler.pickle(write))
}

/// Insists on a refusal whose text holds `part`.
private func expectRefusal(
    _ part: String, _ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation
) {
    do throws(DataError) {
        _ = try read(bytes)
        Issue.record("was read; expected a refusal with '\(part)'", sourceLocation: location)
    } catch {
        let isRight = error.kind == .malformed && error.file == "t.pth" && error.description.contains(part)
        #expect(isRight, "\(error) does not hold '\(part)'", sourceLocation: location)
    }
}

private func expectRefusal(
    _ part: String, _ location: SourceLocation = #_sourceLocation, _ write: (inout PickleAssembler) -> Void
) {
    expectRefusal(part, PickleAssembler.pickle(write), location)
}

@Suite struct PickleMachineTests {
    // MARK: What is read

    @Test func plainValuesKeepTheirBits() throws {
        let value = try read { pickle in
            pickle.tuple {
                $0.op(.none, .newTrue, .newFalse)
                $0.raw([PickleOpcode.binInt.rawValue, 0xFE, 0xFF, 0xFF, 0xFF])
                $0.raw([PickleOpcode.binInt1.rawValue, 200, PickleOpcode.binInt2.rawValue, 0x34, 0x12])
                $0.raw([PickleOpcode.long1.rawValue, 0, PickleOpcode.long1.rawValue, 1, 0xFF])
                $0.int(.min)
                $0.double(-0.0)
                $0.string("é")
                $0.raw([PickleOpcode.shortBinString.rawValue, 2, 0x61, 0x62])
                $0.op(.emptyTuple, .emptyList, .emptyDict, .emptySet)
            }
        }
        let file = try openCheckpoint(checkpoint(PickleAssembler.pickle { $0.op(.none) }))
        let text = try describe(value, file)
        #expect(
            text == "(N,T,F,i-2,i200,i4660,i0,i-1,i-9223372036854775808,d8000000000000000,s2:é,s2:ab,(),[],{},"
                + "obuiltins.set)")
    }

    @Test func containersAreFilledInOrderAndShared() throws {
        let value = try read { pickle in
            pickle.op(.emptyDict)
            pickle.string("list")
            pickle.op(.emptyList)
            pickle.put(70_000)
            pickle.op(.none, .append, .mark, .newTrue, .newFalse, .appends, .setItem)
            pickle.op(.mark)
            pickle.string("same")
            pickle.get(70_000)
            pickle.int(1)
            pickle.op(.newTrue, .tuple1, .setItems)
        }
        let file = try openCheckpoint(checkpoint(PickleAssembler.pickle { $0.op(.none) }))
        #expect(try describe(value, file) == "{s4:list=[N,T,F],s4:same=[N,T,F],i1=(T)}")
    }

    @Test func trainingObjectsAreOpaque() throws {
        let value = try read { pickle in
            pickle.op(.mark)
            pickle.global("argparse", "Namespace")
            pickle.op(.emptyTuple, .newObject, .emptyDict)
            pickle.string("lr")
            pickle.double(0.5)
            pickle.op(.setItem, .build)
            pickle.call("numpy.core.multiarray", "scalar") { scalar in
                scalar.call("numpy", "dtype") {
                    $0.string("f8")
                    $0.op(.newFalse, .newTrue)
                }
                scalar.tuple { $0.int(3) }
                scalar.op(.build)
                scalar.call("_codecs", "encode") {
                    $0.string("12345678")
                    $0.string("latin1")
                }
            }
            pickle.call("collections", "Counter") { $0.op(.emptyDict) }
            pickle.call("pathlib", "PosixPath") { $0.string("out") }
            pickle.call("collections", "defaultdict") { $0.global("__builtin__", "list") }
            pickle.string("k")
            pickle.op(.none, .setItem)
            pickle.call("torch", "device") { $0.string("cpu") }
            pickle.global("torch", "bfloat16")
            pickle.call("torch", "Size") { $0.ints([2, 3]) }
            pickle.raw([PickleOpcode.long1.rawValue, 9] + [UInt8](repeating: 1, count: 9))
            pickle.op(.tuple)
        }
        let file = try openCheckpoint(checkpoint(PickleAssembler.pickle { $0.op(.none) }))
        #expect(
            try describe(value, file)
                == "(oargparse.Namespace{s2:lr=d3fe0000000000000},oscalar,ocollections.Counter,opathlib.PosixPath,"
                + "{s1:k=N},otorch.device,otorch.bfloat16,(i2,i3),obuiltins.int)")
        guard case .tuple(let items) = value, case .opaque(let scalar) = items[1],
            case .opaque(let dtype) = scalar.arguments[0]
        else {
            Issue.record("no opaque scalar")
            return
        }
        #expect(dtype.name == "numpy.dtype" && dtype.arguments.count == 3 && dtype.state?.kind == "a tuple of 1")
    }

    @Test func stateDictsAndParametersAreTensors() throws {
        let value = try read { pickle in
            pickle.call("collections", "OrderedDict") { _ in }
            pickle.string("w")
            pickle.call("torch._utils", "_rebuild_parameter") {
                $0.tensor(offset: 1, shape: [5], strides: [1])
                $0.op(.newTrue)
                $0.call("collections", "OrderedDict") { _ in }
            }
            pickle.op(.setItem, .emptyDict)
            pickle.string("_metadata")
            pickle.op(.none, .setItem, .build)
        }
        guard case .tensor(let tensor)? = value["w"] else {
            Issue.record("no tensor: \(value.kind)")
            return
        }
        #expect(tensor.offset == 1 && tensor.shape == [5] && tensor.type == .f32)
    }

    // MARK: What is refused

    @Test func everyOpcodeOutsideTheListIsRefused() {
        var refused = 0
        for byte in UInt8.min...UInt8.max where PickleOpcode(rawValue: byte) == nil || byte == 0x80 {
            refused += 1
            let hex = String(byte, radix: 16)
            expectRefusal("opcode 0x\(hex)", [0x80, 2, byte, 0x2E])
            expectRefusal("opcode 0x\(hex)", [0x80, 2, 0x4E, byte] + [UInt8](repeating: 0x0A, count: 40) + [0x2E])
        }
        #expect(refused == 256 - 33)
    }

    static let hostileGlobals = [
        ("os", "system"), ("posix", "system"), ("nt", "system"), ("builtins", "eval"), ("builtins", "exec"),
        ("__builtin__", "eval"), ("builtins", "getattr"), ("builtins", "__import__"), ("builtins", "compile"),
        ("builtins", "open"), ("torch", "load"), ("torch.hub", "load"), ("torch.serialization", "load"),
        ("subprocess", "Popen"), ("subprocess", "check_output"), ("runpy", "run_path"), ("runpy", "_run_code"),
        ("importlib", "import_module"), ("pickle", "loads"), ("operator", "attrgetter"), ("functools", "partial"),
        ("socket", "create_connection"), ("webbrowser", "open"), ("copyreg", "_reconstructor"), ("sys", "exit"),
        ("torch._utils", "_rebuild_tensor"), ("torch.jit", "load"), ("numpy", "load"), ("pty", "spawn"),
        ("torch.FloatStorage.__class__", "mro"), ("torch", "FloatStorage.__init__"), ("torch.nn", "Linear"),
        ("asyncio", "run"), ("ctypes", "CDLL"), ("shutil", "rmtree"), ("", ""), ("collections", "namedtuple"),
    ]

    @Test func everyOtherNameIsRefusedBeforeAnythingUsesIt() {
        for (module, name) in Self.hostileGlobals {
            expectRefusal("\(module).\(name)") { $0.global(module, name) }
            expectRefusal("torch.save(torch.load(") { $0.call(module, name) { $0.string("id") } }
        }
    }

    @Test func knownNamesCannotBeMisused() {
        expectRefusal("a value made as torch.save makes it") { $0.call("torch", "FloatStorage") { $0.int(1) } }
        expectRefusal("a value made as torch.save makes it") { $0.call("argparse", "Namespace") { _ in } }
        expectRefusal("a value made as torch.save makes it") { $0.call("builtins", "list") { _ in } }
        expectRefusal("a value made as torch.save makes it") {
            $0.call("collections", "OrderedDict") { $0.op(.emptyList) }
        }
        expectRefusal("as factory") { $0.call("collections", "defaultdict") { $0.op(.emptyList) } }
        expectRefusal("a value made as torch.save makes it") {
            $0.call("collections", "defaultdict") { $0.op(.none, .none) }
        }
        expectRefusal("sizes from 0") { $0.call("torch", "Size") { $0.ints([-1]) } }
        expectRefusal("a tuple of sizes") { $0.call("torch", "Size") { $0.op(.emptyList) } }
        expectRefusal("a known name") { $0.op(.none, .emptyTuple, .reduce) }
        expectRefusal("a tuple of arguments") {
            $0.global("collections", "OrderedDict")
            $0.op(.emptyList, .reduce)
        }
        expectRefusal("an argparse.Namespace") {
            $0.global("collections", "OrderedDict")
            $0.op(.emptyTuple, .newObject)
        }
        expectRefusal("an argparse.Namespace") {
            $0.global("argparse", "Namespace")
            $0.op(.none, .tuple1, .newObject)
        }
        expectRefusal("the name of a class") { $0.global("collections", "OrderedDict") }
    }

    @Test func attributesGoToObjectsAlone() {
        for target in [PickleOpcode.emptyDict, .emptyList, .none, .emptyTuple, .emptySet] {
            expectRefusal("takes attributes") { $0.op(target, .emptyDict, .build) }
        }
        expectRefusal("takes attributes") {
            $0.call("pathlib", "PosixPath") { _ in }
            $0.op(.emptyDict, .build)
        }
        expectRefusal("takes attributes") {
            $0.tensor()
            $0.op(.emptyDict, .build)
        }
        expectRefusal("a dict of attributes") {
            $0.global("argparse", "Namespace")
            $0.op(.emptyTuple, .newObject, .emptyList, .build)
        }
        expectRefusal("a dict of attributes") {
            $0.call("collections", "OrderedDict") { _ in }
            $0.op(.none, .build)
        }
        expectRefusal("once") {
            $0.global("argparse", "Namespace")
            $0.op(.emptyTuple, .newObject, .emptyDict, .build, .emptyDict, .build)
        }
    }

    /// CVE-2026-24747: SETITEM and SETITEMS on something that is no dict.
    @Test func itemsAreSetInDictsAlone() {
        for target in [PickleOpcode.emptyList, .none, .emptyTuple, .emptySet] {
            expectRefusal("a dict to set keys in") { $0.op(target, .none, .none, .setItem) }
            expectRefusal("a dict to set keys in") { $0.op(target, .mark, .none, .none, .setItems) }
        }
        expectRefusal("a dict to set keys in") {
            $0.tensor()
            $0.int(0)
            $0.int(1 << 40)
            $0.op(.setItem)
        }
        expectRefusal("pairs of key and value") { $0.op(.emptyDict, .mark, .none, .setItems) }
        expectRefusal("a list to append to") { $0.op(.emptyDict, .none, .append) }
        expectRefusal("a list to append to") { $0.op(.emptyTuple, .mark, .none, .appends) }
    }

    @Test func keysDifferAndAreSimple() throws {
        expectRefusal("'a' twice") { pickle in
            pickle.op(.emptyDict, .mark)
            for _ in 0..<2 {
                pickle.string("a")
                pickle.op(.none)
            }
            pickle.op(.setItems)
        }
        expectRefusal("1 twice") { pickle in
            pickle.op(.emptyDict, .mark)
            pickle.int(1)
            pickle.op(.none, .newTrue, .none, .setItems)
        }
        expectRefusal("1 twice") { pickle in
            pickle.op(.emptyDict, .mark)
            pickle.int(1)
            pickle.op(.none)
            pickle.double(1)
            pickle.op(.none, .setItems)
        }
        expectRefusal("a string or number as key") { $0.op(.emptyDict, .emptyList, .none, .setItem) }
        expectRefusal("a string or number as key") { $0.op(.emptyDict, .emptyTuple, .tuple1, .none, .setItem) }
        _ = try read { $0.op(.emptyDict, .none, .newTrue, .tuple2, .none, .setItem) }
    }

    @Test func theStackEndsAtMarks() {
        expectRefusal("values on the stack") { $0.op(.tuple1) }
        expectRefusal("values on the stack") { $0.op(.none, .mark, .tuple1) }
        expectRefusal("values on the stack") { $0.op(.none, .none, .mark, .none, .tuple3) }
        expectRefusal("a value on the stack") { $0.op(.mark, .appends) }
        expectRefusal("a value on the stack") { $0.put(0) }
        expectRefusal("a mark") { $0.op(.none, .tuple) }
        expectRefusal("one value at the end") { _ in }
        expectRefusal("one value at the end") { $0.op(.none, .none) }
        expectRefusal("one value at the end") { $0.op(.none, .mark) }
        expectRefusal("stored before") { $0.get(3) }
        expectRefusal("ends with STOP", PickleAssembler.pickle { $0.op(.none) } + [0])
        expectRefusal("protocol 2", [0x80, 3, 0x4E, 0x2E])
        expectRefusal("protocol 2", [0x4E, 0x2E])
        expectRefusal("opcode 0x80", [0x80, 2, 0x80, 2, 0x4E, 0x2E])
        expectRefusal("UTF-8") { $0.raw([PickleOpcode.binUnicode.rawValue, 1, 0, 0, 0, 0xFF]) }
        expectRefusal("UTF-8") { $0.raw([PickleOpcode.shortBinString.rawValue, 1, 0xFF]) }
        expectRefusal("UTF-8") { $0.raw([PickleOpcode.global.rawValue, 0xFF, 0x0A, 0x0A]) }
    }
}
