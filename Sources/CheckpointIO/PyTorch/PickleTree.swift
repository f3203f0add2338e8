import SafeFiles

/// Turns the machine's table of values into a tree; values that stand at several places are made once and shared.
struct PickleTree {
    static let depthLimit = 100
    /// Values when shared ones count at each of their places: no walk over the tree takes more steps.
    static let expandedLimit = 2_000_000

    private struct Made {
        var value: PyTorchValue
        var height: Int32
        var expandedCount: Int32
    }

    let nodes: [PickleNode]
    let file: String
    private var made: [Made?]
    private var isOpen: [Bool]

    init(nodes: [PickleNode], file: String) {
        self.nodes = nodes
        self.file = file
        made = Array(repeating: nil, count: nodes.count)
        isOpen = Array(repeating: false, count: nodes.count)
    }

    /// - Throws: `DataError` for a value inside itself, more than `depthLimit` levels, or more than `expandedLimit`
    ///   values.
    mutating func value(_ root: PickleNode.Index) throws(DataError) -> PyTorchValue {
        try make(root, depth: 1).value
    }

    private mutating func make(_ index: PickleNode.Index, depth: Int) throws(DataError) -> Made {
        let place = Int(index)
        if let known = made[place] {
            guard depth + Int(known.height) - 1 <= Self.depthLimit else { throw tooDeep() }
            return known
        }
        guard depth <= Self.depthLimit else { throw tooDeep() }
        guard !isOpen[place] else { throw refused("values that do not hold themselves", "one that does") }
        isOpen[place] = true
        defer { isOpen[place] = false }
        var parts = Parts()
        let value: PyTorchValue
        switch nodes[place] {
        case .none: value = .none
        case .bool(let flag): value = .bool(flag)
        case .int(let number): value = .int(number)
        case .double(let number): value = .double(number)
        case .string(let text): value = .string(text)
        case .tensor(let tensor): value = .tensor(tensor)
        case .list(let items): value = .list(try make(items, depth, &parts))
        case .tuple(let items): value = .tuple(try make(items, depth, &parts))
        case .dict(let dict):
            let keys = try make(dict.members.map(\.key), depth, &parts)
            let values = try make(dict.members.map(\.value), depth, &parts)
            value = .dict(zip(keys, values).map { PyTorchValue.Member(key: $0, value: $1) })
        case .opaque(let opaque):
            let arguments = try make(opaque.arguments, depth, &parts)
            let state = try make(opaque.state.map { [$0] } ?? [], depth, &parts).first
            value = .opaque(PyTorchOpaque(name: opaque.name, arguments: arguments, state: state))
        case .set: value = Self.name("builtins.set")
        case .longInt: value = Self.name("builtins.int")
        case .storage: value = Self.name("torch.storage")
        case .global(.opaque(let name, .name)): value = Self.name(name)
        case .global: throw refused("values", "the name of a class or function among them")
        }
        let result = Made(value: value, height: parts.height + 1, expandedCount: parts.expandedCount + 1)
        made[place] = result
        return result
    }

    private struct Parts {
        var height: Int32 = 0
        var expandedCount: Int32 = 0
    }

    private mutating func make(
        _ items: [PickleNode.Index], _ depth: Int, _ parts: inout Parts
    ) throws(DataError) -> [PyTorchValue] {
        var values: [PyTorchValue] = []
        values.reserveCapacity(items.count)
        for item in items {
            let part = try make(item, depth: depth + 1)
            parts.height = max(parts.height, part.height)
            // Both terms are below the limit, so the sum fits.
            parts.expandedCount += part.expandedCount
            guard parts.expandedCount < Self.expandedLimit else {
                throw refused("at most \(Self.expandedLimit) values", "more, by repeating shared ones")
            }
            values.append(part.value)
        }
        return values
    }

    private static func name(_ name: String) -> PyTorchValue {
        .opaque(PyTorchOpaque(name: name, arguments: [], state: nil))
    }

    private func tooDeep() -> DataError { refused("at most \(Self.depthLimit) levels", "more") }

    private func refused(_ expected: String, _ found: String) -> DataError {
        DataError(
            .malformed, file: file, record: "data.pkl", expected: expected, found: found,
            remedy: PickleMachine.remedy)
    }
}
