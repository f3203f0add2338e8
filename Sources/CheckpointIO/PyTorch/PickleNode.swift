/// A value while its pickle is read; values refer to each other by their place in the machine's table.
enum PickleNode {
    typealias Index = Int32

    case none
    case bool(Bool)
    case int(Int)
    /// A whole number beyond 64 bits, as its little-endian bytes in two's complement.
    case longInt([UInt8])
    case double(Double)
    case string(String)
    indirect case global(PickleGlobal)
    case list([Index])
    case tuple([Index])
    case set
    indirect case dict(Dict)
    indirect case storage(PyTorchStorage)
    indirect case tensor(PyTorchTensor)
    indirect case opaque(Opaque)

    struct Dict {
        var isOrdered = false
        /// Kept for dicts of more than `smallCount` members; small ones are compared key by key.
        var keys: Set<Key> = []
        var members: [(key: Index, value: Index)] = []

        static let smallCount = 8
    }

    struct Opaque {
        var name: String
        var form: PickleGlobal.OpaqueForm
        var arguments: [Index]
        var state: Index?
    }

    /// What tells two keys of a dict apart, as Python does: 1, 1.0 and True are one key.
    enum Key: Hashable {
        case none
        case int(Int)
        case double(UInt64)
        case string(String)
        case long([UInt8])
        case tuple([Key])
    }

    /// The kind of value, for messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a bool"
        case .int, .longInt: "an int"
        case .double: "a float"
        case .string: "a string"
        case .global: "a name"
        case .list: "a list"
        case .tuple: "a tuple"
        case .set: "a set"
        case .dict: "a dict"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .opaque(let value): value.name
        }
    }
}
