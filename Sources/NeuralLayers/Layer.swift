import TensorCore

/// One named tensor of a layer's state.
public struct StateEntry {
    public enum Storage {
        case parameter(Parameter)
        /// Values changed in place, such as running statistics.
        case buffer(Tensor)
    }
    public let name: String
    public let storage: Storage

    public var tensor: Tensor {
        switch storage {
        case .parameter(let parameter): parameter.value
        case .buffer(let tensor): tensor
        }
    }
}

/// One declared part of a layer, with its checkpoint name beside it.
public struct Slot<Root> {
    let entries: (Root, _ prefix: String) -> [StateEntry]

    public static func parameter(_ name: String, _ path: KeyPath<Root, Parameter>) -> Slot {
        Slot { [StateEntry(name: $1 + name, storage: .parameter($0[keyPath: path]))] }
    }

    public static func parameter(_ name: String, _ path: KeyPath<Root, Parameter?>) -> Slot {
        Slot { root, prefix in
            root[keyPath: path].map { [StateEntry(name: prefix + name, storage: .parameter($0))] } ?? []
        }
    }

    public static func buffer(_ name: String, _ path: KeyPath<Root, Tensor>) -> Slot {
        Slot { [StateEntry(name: $1 + name, storage: .buffer($0[keyPath: path]))] }
    }

    public static func layer<Child: Layer>(_ name: String, _ path: KeyPath<Root, Child>) -> Slot {
        Slot { $0[keyPath: path].stateEntries(prefix: "\($1)\(name).") }
    }

    public static func layer<Child: Layer>(_ name: String, _ path: KeyPath<Root, Child?>) -> Slot {
        Slot { $0[keyPath: path]?.stateEntries(prefix: "\($1)\(name).") ?? [] }
    }

    /// A child whose names stand among this layer's own.
    public static func inline<Child: Layer>(_ path: KeyPath<Root, Child>) -> Slot {
        Slot { $0[keyPath: path].stateEntries(prefix: $1) }
    }

    /// A child whose names stand among this layer's own.
    public static func inline<Child: Layer>(_ path: KeyPath<Root, Child?>) -> Slot {
        Slot { $0[keyPath: path]?.stateEntries(prefix: $1) ?? [] }
    }

    /// A child of any kind, its names among this layer's own.
    public static func inline(_ path: KeyPath<Root, any Layer>) -> Slot {
        Slot { $0[keyPath: path].stateEntries(prefix: $1) }
    }

    public static func layers<Child: Layer>(_ name: String, _ path: KeyPath<Root, [Child]>) -> Slot {
        Slot { root, prefix in
            root[keyPath: path].enumerated().flatMap { $1.stateEntries(prefix: "\(prefix)\(name).\($0).") }
        }
    }
}

/// A part of a model: a reference whose parameters are found through its slots.
public protocol Layer: AnyObject {
    /// Every parameter, buffer and child layer, in checkpoint order.
    static var slots: [Slot<Self>] { get }
}

/// Every way in which a checkpoint does not fit a layer, at once.
public struct StateError: Error, CustomStringConvertible, Sendable, Equatable {
    public enum Misfit: CustomStringConvertible, Sendable, Equatable {
        case missing
        case unexpected
        case shape(found: [Int], wanted: [Int])

        public var description: String {
            switch self {
            case .missing: "missing"
            case .unexpected: "unexpected"
            case .shape(let found, let wanted): "shape \(found) for \(wanted)"
            }
        }
    }
    public var source: String
    public var misfits: [(key: String, problem: Misfit)]

    public var description: String {
        let lines = misfits.map { "  \($0.key): \($0.problem)" }.joined(separator: "\n")
        return "\(source): \(misfits.count) key(s) do not fit\n\(lines)"
    }

    /// The first misfits in one line.
    public func list(_ limit: Int) -> String {
        misfits.prefix(limit).map { "\($0.key): \($0.problem)" }.joined(separator: ", ")
            + (misfits.count > limit ? ", …" : "")
    }

    public static func == (a: StateError, b: StateError) -> Bool { a.description == b.description }
}

extension Layer {
    /// The named state, slots in order.
    public func stateEntries(prefix: String = "") -> [StateEntry] {
        Self.slots.flatMap { $0.entries(self, prefix) }
    }

    /// The parameters, slots in order.
    public var parameters: [Parameter] {
        stateEntries().compactMap {
            if case .parameter(let parameter) = $0.storage { parameter } else { nil }
        }
    }

    /// The number of trainable values.
    public var parameterCount: Int { parameters.reduce(0) { $0 + ($1.isTrainable ? $1.value.count : 0) } }

    /// Makes every parameter constant, as a teacher's are.
    public func freeze() {
        for parameter in parameters { parameter.isTrainable = false }
    }

    /// Freezes, and keeps the weights of linear layers as bfloat16: half the memory. Products that round their operands
    /// give the same bytes as before.
    public func freezeRounded() {
        freeze()
        for parameter in parameters where parameter.isProductOperand && parameter.value.dtype == .f32 {
            parameter.value = parameter.value.converted(to: .bf16)
        }
    }

    /// Copies of all tensors by name.
    public func state() -> [String: Tensor] {
        var state: [String: Tensor] = [:]
        for entry in stateEntries() { state[entry.name] = entry.tensor.copy() }
        return state
    }

    /// Copies `tensors` into this layer. Either every key fits or nothing changes.
    ///
    /// - Parameters:
    ///   - tensors: by checkpoint name; converted to the layer's type.
    ///   - source: named in the error.
    ///   - ignored: keys that may be absent here or there.
    public func load(
        _ tensors: [String: Tensor], from source: String, ignoring ignored: Set<String> = []
    ) throws(StateError) {
        let misfits = misfits(of: tensors.mapValues(\.shape), ignoring: ignored)
        if !misfits.isEmpty { throw StateError(source: source, misfits: misfits) }
        for entry in stateEntries() {
            if let tensor = tensors[entry.name] { entry.tensor.assign(tensor.converted(to: entry.tensor.dtype)) }
        }
    }

    /// What in tensors of these shapes does not fit this layer: its own entries in order, then foreign names.
    public func misfits(
        of shapes: [String: [Int]], ignoring ignored: Set<String> = []
    ) -> [(key: String, problem: StateError.Misfit)] {
        var misfits: [(key: String, problem: StateError.Misfit)] = []
        var unused = Set(shapes.keys).subtracting(ignored)
        for entry in stateEntries() {
            unused.remove(entry.name)
            guard let shape = shapes[entry.name] else {
                if !ignored.contains(entry.name) { misfits.append((entry.name, .missing)) }
                continue
            }
            if shape != entry.tensor.shape {
                misfits.append((entry.name, .shape(found: shape, wanted: entry.tensor.shape)))
            }
        }
        return misfits + unused.sorted().map { ($0, .unexpected) }
    }

    /// Replaces parameter values by Double copies, for gradient checks. Buffers keep their type.
    public func convertParametersToDouble() {
        for parameter in parameters {
            parameter.value = parameter.value.converted(to: .f64)
            parameter.gradient = nil
        }
    }
}
