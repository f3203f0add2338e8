import TestSupport

extension BadFile {
    /// Checkpoints whose archive is right and whose pickle is not.
    static func pickles() -> [BadFile] {
        typealias P = PickleText
        func file(_ name: String, _ pickle: [UInt8]) -> BadFile {
            BadFile(name: "pickle-\(name)", file: "w.pth", reader: .checkpoint, bytes: P.file(pickle))
        }
        var files = forbiddenOpcodes.map { letter, operand in
            file("opcode-\(String(letter, radix: 16))", [0x80, 2, letter] + operand + P.op("."))
        }
        files += forbiddenGlobals.map { module, name in
            file("global-\(module)-\(name)", P.state(P.call(module, name, P.text("true"))))
        }
        var values: [(String, [UInt8])] = []
        func add(_ name: String, _ pickle: [UInt8]) { values.append((name, pickle)) }
        // CVE-2026-24747: items set in what is no dict, and a storage that claims more than its record holds.
        add("items-into-list", P.pickle(P.op("]"), P.text("a"), P.int(1), P.op("s")))
        add("items-into-tensor", P.pickle(P.tensor(), P.text("a"), P.int(1), P.op("s")))
        add("items-into-tuple", P.pickle(P.op(")("), P.text("a"), P.int(1), P.op("u")))
        add("storage-too-large", P.state(P.tensor(P.storage(count: 1 << 20))))
        add("storage-overflow", P.state(P.tensor(P.storage(count: .max))))
        add("storage-negative", P.state(P.tensor(P.storage(count: -6))))
        add("storage-too-small", P.state(P.tensor(P.storage(count: 5))))
        add("storage-no-record", P.state(P.tensor(P.storage(key: "1"))))
        add("storage-path", P.state(P.tensor(P.storage(key: "../0"))))
        add("storage-absolute", P.state(P.tensor(P.storage(key: "/etc/passwd"))))
        add("storage-type", P.state(P.tensor(P.storage(type: "QInt8Storage"))))
        add("offset-negative", P.state(P.tensor(offset: -1)))
        add("offset-past-end", P.state(P.tensor(offset: 1)))
        add("offset-overflow", P.state(P.tensor(offset: .max)))
        add("stride-negative", P.state(P.tensor(strides: [-3, 1])))
        add("stride-past-end", P.state(P.tensor(strides: [4, 1])))
        add("stride-overflow", P.state(P.tensor(shape: [3, 3], strides: [.max / 2, 1])))
        add("shape-negative", P.state(P.tensor(shape: [-2, 3])))
        add("shape-overflow", P.state(P.tensor(shape: [1 << 32, 1 << 32], strides: [0, 0])))
        add("shape-bomb", P.state(P.tensor(shape: [1 << 20, 1 << 20], strides: [0, 0])))
        add(
            "rank-33", P.state(P.tensor(shape: [Int](repeating: 1, count: 33), strides: [Int](repeating: 1, count: 33)))
        )
        add("fewer-strides", P.state(P.tensor(strides: [1])))
        add("empty", [])
        add("no-stop", [0x80, 2] + P.op("}"))
        add("stack-empty", [0x80, 2] + P.op("."))
        add("two-values", P.pickle(P.op("}}")))
        add("no-mark", P.pickle(P.op("t")))
        add("pop-mark", P.pickle(P.op("((u")))
        add("memo-unknown", P.pickle(P.op("h"), [9]))
        add("text-past-end", [0x80, 2] + P.op("X") + [0xFF, 0xFF, 0xFF, 0x7F, 0x61])
        add("text-not-utf8", P.state(P.op("X") + [1, 0, 0, 0, 0xFF]))
        add("key-twice", P.pickle(P.op("}("), P.text("a"), P.int(1), P.text("a"), P.int(2), P.op("u")))
        add("key-list", P.pickle(P.op("}]"), P.int(1), P.op("s")))
        add("odd-items", P.pickle(P.op("}("), P.text("a"), P.op("u")))
        add("tail", P.state(P.tensor()) + [0x80, 2])
        add("protocol-5", [0x80, 5] + P.op("}."))
        add("no-tensors", P.pickle(P.int(3)))
        add("text", P.pickle(P.text("hello")))
        add("call-a-text", P.pickle(P.text("os.system"), P.op("(tR")))
        add("state-of-list", P.pickle(P.op("]}b")))
        add(
            "deep",
            [0x80, 2] + [UInt8](repeating: UInt8(ascii: "]"), count: 200)
                + [UInt8](repeating: UInt8(ascii: "a"), count: 199) + P.op("."))
        add("stack-bomb", [0x80, 2] + [UInt8](repeating: UInt8(ascii: "N"), count: 1_100_000) + P.op("."))
        // Each round doubles what the tuple holds, if it were written out.
        var copies = P.op(")q") + [0]
        for _ in 0..<40 { copies += P.op("h") + [0, UInt8(ascii: "h"), 0, 0x86, UInt8(ascii: "q"), 0] }
        add("copies-bomb", P.pickle(copies))
        return files + values.map { file($0.0, $0.1) }
    }

    /// Instructions of other pickles, with operands, so that the reader does not end for want of bytes.
    private static var forbiddenOpcodes: [(UInt8, [UInt8])] {
        let digits = Array("0000000000\n\n".utf8)
        let old: [UInt8] = Array("012IFLSTVPdgilopBC".utf8)
        let new: [UInt8] = [0x82, 0x83, 0x84, 0x8B, 0x8C, 0x8D, 0x8E] + Array(0x90...0x98)
        let none: [UInt8] = [0x00, 0x22, 0x33, 0x5A, 0xFF]
        return old.map { ($0, digits) } + new.map { ($0, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0x61]) } + none.map { ($0, []) }
    }

    /// Names through which a pickle could run something, or read what is not its own.
    private static let forbiddenGlobals = [
        ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("builtins", "eval"),
        ("builtins", "exec"), ("__builtin__", "eval"), ("builtins", "getattr"), ("builtins", "__import__"),
        ("builtins", "open"), ("builtins", "compile"), ("webbrowser", "open"), ("runpy", "_run_code"),
        ("torch", "load"), ("torch.storage", "_load_from_bytes"), ("torch.hub", "load"), ("numpy", "load"),
        ("torch.jit", "load"), ("pickle", "loads"), ("shutil", "rmtree"), ("importlib", "import_module"),
        ("torch.serialization", "load"), ("collections", "namedtuple"), ("torch._utils", "_rebuild_tensor"),
    ]
}
