import SafeFiles

/// Reads the pickle of a checkpoint into data, by a closed list of instructions and names.
///
/// Goals, in order: 1 there is nothing to call: an instruction either moves data between the stack, the memo and new
/// values, or the file is refused; 2 any bytes end in a value or a `DataError`, within the limits below; 3 what
/// `torch.save` writes is read.
///
/// - Source: torch/_weights_only_unpickler.py (PyTorch 2.15); CVE-2025-32434, CVE-2026-24747.
struct PickleMachine {
    static let byteLimit = 64 << 20
    static let stackLimit = 1_000_000
    static let memoLimit = 1_000_000
    /// Values made in all, shared ones counted once. A tensor takes about 20, so this is 12,000 tensors.
    static let valueLimit = 250_000
    /// Values put on the stack in all, shared ones counted each time: no container grows beyond.
    static let pushLimit = 4_000_000
    static let stringLimit = 1 << 20
    static let globalNameLimit = 256

    let bytes: [UInt8]
    let file: String
    var position = 0
    /// Where the current instruction starts.
    var start = 0
    var nodes: [PickleNode] = []
    var stack: [PickleNode.Index] = []
    /// Heights of the stack at the open marks; nothing below the last one can be reached.
    var marks: [Int] = []
    var memo: [UInt32: PickleNode.Index] = [:]
    private var pushCount = 0
    /// Values without parts and the names met so far: each is made once.
    private var constants: [PickleOpcode: PickleNode.Index] = [:]
    private var globals: [String: PickleNode.Index] = [:]
    var storages: [String: PyTorchStorage] = [:]

    /// What a pickle says, and the storages that its tensors use.
    struct Contents {
        var value: PyTorchValue
        var storages: [String: PyTorchStorage]
    }

    static func read(_ bytes: [UInt8], file: String) throws(DataError) -> Contents {
        var machine = PickleMachine(bytes: bytes, file: file)
        let root = try machine.run()
        var tree = PickleTree(nodes: machine.nodes, file: file)
        return Contents(value: try tree.value(root), storages: machine.storages)
    }

    private init(bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    private mutating func run() throws(DataError) -> PickleNode.Index {
        guard bytes.count <= Self.byteLimit else {
            throw refused("a pickle of at most \(Self.byteLimit) bytes", "\(bytes.count) bytes", Self.remedy)
        }
        guard bytes.count >= 2, bytes[0] == PickleOpcode.proto.rawValue, bytes[1] == 2 else {
            throw refused("a pickle of protocol 2", "other bytes at its start")
        }
        position = 2
        while true {
            start = position
            let byte = UInt8(try number(1))
            guard let opcode = PickleOpcode(rawValue: byte), opcode != .proto else {
                throw refused(
                    "an instruction that a state dict needs", "opcode 0x\(String(byte, radix: 16))", Self.remedy)
            }
            if opcode == .stop { return try finish() }
            try execute(opcode)
        }
    }

    private mutating func finish() throws(DataError) -> PickleNode.Index {
        guard marks.isEmpty, stack.count == 1 else { throw refused("one value at the end", "\(stack.count)") }
        guard position == bytes.count else {
            throw refused("a pickle that ends with STOP", "\(bytes.count - position) bytes after it")
        }
        return stack[0]
    }

    private mutating func execute(_ opcode: PickleOpcode) throws(DataError) {
        switch opcode {
        case .proto, .stop: break
        case .mark:
            guard marks.count < Self.stackLimit else {
                throw refused("at most \(Self.stackLimit) marks", "more", Self.remedy)
            }
            marks.append(stack.count)
        case .none: try push(constant: opcode, .none)
        case .newTrue: try push(constant: opcode, .bool(true))
        case .newFalse: try push(constant: opcode, .bool(false))
        case .emptyDict: try push(.dict(.init()))
        case .emptyList: try push(.list([]))
        case .emptyTuple: try push(constant: opcode, .tuple([]))
        case .emptySet: try push(constant: opcode, .set)
        case .tuple: try push(.tuple(popToMark()))
        case .tuple1: try push(.tuple(popTop(1)))
        case .tuple2: try push(.tuple(popTop(2)))
        case .tuple3: try push(.tuple(popTop(3)))
        case .binInt: try push(.int(Int(Int32(truncatingIfNeeded: number(4)))))
        case .binInt1: try push(.int(Int(number(1))))
        case .binInt2: try push(.int(Int(number(2))))
        case .long1: try push(long(take(Int(number(1)))))
        case .binFloat: try push(.double(Double(bitPattern: number(8).byteSwapped)))
        case .binUnicode: try push(.string(text(Int(number(4)))))
        case .shortBinString: try push(.string(text(Int(number(1)))))
        case .binGet: try recall(UInt32(number(1)))
        case .longBinGet: try recall(UInt32(number(4)))
        case .binPut: try remember(UInt32(number(1)))
        case .longBinPut: try remember(UInt32(number(4)))
        case .append: try extendList(popTop(1))
        case .appends: try extendList(popToMark())
        case .setItem: try extendDict(popTop(2))
        case .setItems: try extendDict(popToMark())
        case .global: try pushGlobal()
        case .reduce: try reduce()
        case .newObject: try newObject()
        case .build: try build()
        case .persistentID: try loadStorage()
        }
    }

    // MARK: Operands

    private mutating func take(_ count: Int) throws(DataError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else { throw refused("an instruction", "the end of the pickle") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// A little-endian number of 1 to 8 bytes.
    private mutating func number(_ count: Int) throws(DataError) -> UInt64 {
        try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func long(_ digits: ArraySlice<UInt8>) -> PickleNode {
        if digits.count > 8 { return .longInt(Array(digits)) }
        let isNegative = (digits.last ?? 0) & 0x80 != 0
        return .int(digits.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) })
    }

    private mutating func text(_ count: Int) throws(DataError) -> String {
        guard count <= Self.stringLimit else {
            throw refused("a string of at most \(Self.stringLimit) bytes", "\(count)")
        }
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw refused("a string in UTF-8", "other bytes")
        }
        return text
    }

    private mutating func line() throws(DataError) -> String {
        let rest = bytes[position...].prefix(Self.globalNameLimit + 1)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            throw refused("a name of at most \(Self.globalNameLimit) bytes", "a longer one, or the end of the pickle")
        }
        guard let name = String(validating: bytes[position..<end], as: UTF8.self) else {
            throw refused("a name in UTF-8", "other bytes")
        }
        position = end + 1
        return name
    }

    private mutating func pushGlobal() throws(DataError) {
        let module = try line()
        let name = try line()
        let path = "\(module).\(name)"
        if let known = globals[path] { return try push(known) }
        guard let global = PickleGlobal(module: module, name: name) else {
            throw refused("names that a state dict needs", path, Self.remedy)
        }
        try push(.global(global))
        globals[path] = stack.last
    }

    // MARK: Stack and memo

    mutating func push(_ node: PickleNode) throws(DataError) {
        guard nodes.count < Self.valueLimit else {
            throw refused("at most \(Self.valueLimit) values", "more", Self.remedy)
        }
        nodes.append(node)
        try push(PickleNode.Index(nodes.count - 1))
    }

    private mutating func push(constant opcode: PickleOpcode, _ node: PickleNode) throws(DataError) {
        if let known = constants[opcode] { return try push(known) }
        try push(node)
        constants[opcode] = stack.last
    }

    private mutating func push(_ index: PickleNode.Index) throws(DataError) {
        pushCount += 1
        guard pushCount <= Self.pushLimit else {
            throw refused("at most \(Self.pushLimit) uses of values", "more", Self.remedy)
        }
        guard stack.count < Self.stackLimit else {
            throw refused("at most \(Self.stackLimit) values at once", "more", Self.remedy)
        }
        stack.append(index)
    }

    /// The topmost values, in order; none from below the last mark.
    mutating func popTop(_ count: Int) throws(DataError) -> [PickleNode.Index] {
        guard stack.count - (marks.last ?? 0) >= count else { throw refused("\(count) values on the stack", "fewer") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(DataError) -> [PickleNode.Index] {
        guard let height = marks.popLast() else { throw refused("a mark on the stack", "none") }
        defer { stack.removeLast(stack.count - height) }
        return Array(stack[height...])
    }

    /// The topmost value, which stays.
    func top() throws(DataError) -> PickleNode.Index {
        guard stack.count > (marks.last ?? 0) else { throw refused("a value on the stack", "none") }
        return stack[stack.count - 1]
    }

    private mutating func recall(_ key: UInt32) throws(DataError) {
        guard let index = memo[key] else { throw refused("a value stored before", "nothing under \(key)") }
        try push(index)
    }

    private mutating func remember(_ key: UInt32) throws(DataError) {
        memo[key] = try top()
        guard memo.count <= Self.memoLimit else {
            throw refused("at most \(Self.memoLimit) stored values", "more", Self.remedy)
        }
    }

    // MARK: Errors

    static let remedy =
        "if you trust the file, let Python write its weights alone: "
        + "torch.save(torch.load(F, weights_only=False)['model'], G)"

    func refused(
        _ expected: String, _ found: String, _ remedy: String = "check that the file is complete, or write it again"
    ) -> DataError {
        DataError(
            .malformed, file: file, record: "data.pkl byte \(start)", expected: expected, found: found, remedy: remedy)
    }
}
