import SafeFiles

/// Instructions that fill containers and make tensors, storages and opaque values.
extension PickleMachine {
    /// Keys are hashed each time they are used: long ones, used over and over, would take for ever.
    static let keyByteLimit = 1024
    static let keyPartLimit = 16

    mutating func extendList(_ items: [PickleNode.Index]) throws(DataError) {
        let target = Int(try top())
        guard case .list(var list) = nodes[target] else { throw refused("a list to append to", nodes[target].kind) }
        nodes[target] = .none  // the array stays unshared, so that appending copies nothing
        list.append(contentsOf: items)
        nodes[target] = .list(list)
    }

    /// Sets keys and values in turn; a key that is set twice is refused, as no writer does so.
    mutating func extendDict(_ items: [PickleNode.Index]) throws(DataError) {
        let target = Int(try top())
        guard items.count % 2 == 0 else { throw refused("pairs of key and value", "\(items.count) values") }
        guard case .dict(var dict) = nodes[target] else { throw refused("a dict to set keys in", nodes[target].kind) }
        let added = try stride(from: 0, to: items.count, by: 2).map { index throws(DataError) in
            try key(items[index])
        }
        let isSmall = dict.members.count + added.count <= PickleNode.Dict.smallCount
        // What a small dict holds, or all keys so far.
        var known = dict.keys
        if known.count < dict.members.count {
            known = Set(try dict.members.map { member throws(DataError) in try key(member.key) })
        }
        nodes[target] = .none
        dict.keys = []
        for (index, key) in added.enumerated() {
            guard known.insert(key).inserted else { throw refused("keys that differ", "\(Self.text(of: key)) twice") }
            dict.members.append((items[2 * index], items[2 * index + 1]))
        }
        if !isSmall { dict.keys = known }
        nodes[target] = .dict(dict)
    }

    private func key(_ index: PickleNode.Index) throws(DataError) -> PickleNode.Key {
        if case .tuple(let items) = nodes[Int(index)] {
            guard items.count <= Self.keyPartLimit else {
                throw refused("at most \(Self.keyPartLimit) parts of a key", "\(items.count)")
            }
            return .tuple(try items.map { item throws(DataError) in try plainKey(item) })
        }
        return try plainKey(index)
    }

    private func plainKey(_ index: PickleNode.Index) throws(DataError) -> PickleNode.Key {
        switch nodes[Int(index)] {
        case .none: return .none
        case .bool(let value): return .int(value ? 1 : 0)
        case .int(let value): return .int(value)
        case .longInt(let digits): return .long(digits)
        case .double(let value): return Int(exactly: value).map { .int($0) } ?? .double(value.bitPattern)
        case .string(let value):
            guard value.utf8.count <= Self.keyByteLimit else {
                throw refused("a key of at most \(Self.keyByteLimit) bytes", "\(value.utf8.count)")
            }
            return .string(value)
        default: throw refused("a string or number as key", nodes[Int(index)].kind)
        }
    }

    private static func text(of key: PickleNode.Key) -> String {
        switch key {
        case .string(let text): "'\(text)'"
        case .int(let value): "\(value)"
        default: "a key"
        }
    }

    /// REDUCE: what the named function would have made of the arguments, as data.
    mutating func reduce() throws(DataError) {
        let operands = try popTop(2)
        guard case .global(let global) = nodes[Int(operands[0])] else {
            throw refused("a known name to make a value", nodes[Int(operands[0])].kind)
        }
        guard case .tuple(let arguments) = nodes[Int(operands[1])] else {
            throw refused("a tuple of arguments", nodes[Int(operands[1])].kind)
        }
        switch global {
        case .orderedDict where arguments.isEmpty: try push(.dict(.init(isOrdered: true)))
        case .defaultDict where arguments.count <= 1:
            if let factory = arguments.first {
                guard case .global(.opaque(_, .name)) = nodes[Int(factory)] else {
                    throw refused("list, int or dict as factory", nodes[Int(factory)].kind)
                }
            }
            try push(.dict(.init()))
        case .rebuildTensor: try push(.tensor(tensor(arguments)))
        case .rebuildParameter: try push(.tensor(parameter(arguments)))
        case .size where arguments.count == 1:
            _ = try sizes(arguments[0], "sizes")
            try push(nodes[Int(arguments[0])])
        case .opaque(let name, .call), .opaque(let name, .callAndState):
            guard case .opaque(_, let form) = global else { return }
            try push(.opaque(.init(name: name, form: form, arguments: arguments)))
        default:
            throw refused("a value made as torch.save makes it", "\(arguments.count) arguments for a name", Self.remedy)
        }
    }

    /// NEWOBJ: an object without arguments, whose attributes follow.
    mutating func newObject() throws(DataError) {
        let operands = try popTop(2)
        guard case .global(.opaque(let name, .object)) = nodes[Int(operands[0])],
            case .tuple(let arguments) = nodes[Int(operands[1])], arguments.isEmpty
        else {
            throw refused("an argparse.Namespace", nodes[Int(operands[0])].kind, Self.remedy)
        }
        try push(.opaque(.init(name: name, form: .object, arguments: [])))
    }

    /// BUILD: the attributes of an object; those of a dict, as `_metadata`, are of no interest.
    mutating func build() throws(DataError) {
        let state = try popTop(1)[0]
        let target = Int(try top())
        switch nodes[target] {
        case .dict(let dict) where dict.isOrdered:
            guard case .dict = nodes[Int(state)] else { throw refused("a dict of attributes", nodes[Int(state)].kind) }
        case .opaque(var opaque) where opaque.form != .call && opaque.state == nil:
            if opaque.form == .object {
                guard case .dict = nodes[Int(state)] else {
                    throw refused("a dict of attributes", nodes[Int(state)].kind)
                }
            }
            opaque.state = state
            nodes[target] = .opaque(opaque)
        default: throw refused("an object that takes attributes once", nodes[target].kind, Self.remedy)
        }
    }

    /// BINPERSID: `("storage", type, key, location, count)`.
    mutating func loadStorage() throws(DataError) {
        let operand = try popTop(1)[0]
        guard case .tuple(let parts) = nodes[Int(operand)], parts.count == 5,
            case .string("storage") = nodes[Int(parts[0])], case .global(.storage(let type)) = nodes[Int(parts[1])],
            case .string(let key) = nodes[Int(parts[2])], case .string = nodes[Int(parts[3])],
            case .int(let count) = nodes[Int(parts[4])]
        else {
            throw refused("a reference to a storage of a known type", nodes[Int(operand)].kind, Self.remedy)
        }
        guard (1...19).contains(key.utf8.count), key.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw refused("a storage key of digits", "'\(key.prefix(64))'")
        }
        guard count >= 0, !count.multipliedReportingOverflow(by: type.bitCount).overflow else {
            throw refused("a storage size below 2^63 bits", "\(count) elements")
        }
        let storage = PyTorchStorage(key: key, type: type, count: count)
        guard storages[key, default: storage] == storage else {
            throw refused("one type and size of storage \(key)", "two")
        }
        storages[key] = storage
        try push(.storage(storage))
    }
}
