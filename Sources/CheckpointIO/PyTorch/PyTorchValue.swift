/// What a PyTorch checkpoint holds: a tree of plain values, tensors, and things that can only be listed.
public enum PyTorchValue: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([PyTorchValue])
    case tuple([PyTorchValue])
    /// Members in the order of the file. Keys are mostly strings; optimizers use whole numbers.
    case dict([Member])
    indirect case tensor(PyTorchTensor)
    indirect case opaque(PyTorchOpaque)

    public struct Member: Sendable {
        public let key: PyTorchValue
        public let value: PyTorchValue

        /// The key where it is a string.
        public var name: String? {
            guard case .string(let name) = key else { return nil }
            return name
        }
    }

    /// The value under a string key of a dict.
    public subscript(key: String) -> PyTorchValue? {
        guard case .dict(let members) = self else { return nil }
        return members.first { $0.name == key }?.value
    }

    /// The kind of value, for lists and messages: "a dict of 3", "a tensor".
    public var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a bool"
        case .int: "an int"
        case .double: "a float"
        case .string: "a string"
        case .list(let items): "a list of \(items.count)"
        case .tuple(let items): "a tuple of \(items.count)"
        case .dict(let members): "a dict of \(members.count)"
        case .tensor: "a tensor"
        case .opaque(let value): value.name
        }
    }
}

/// A Python object that is no plain value: its name and its parts, as data. Nothing can be done with it but look.
///
/// `argparse.Namespace` keeps its attributes in `state`; a number of NumPy keeps its type and bytes in `arguments`.
public struct PyTorchOpaque: Sendable {
    public let name: String
    public let arguments: [PyTorchValue]
    public let state: PyTorchValue?
}

/// A flat piece of memory that tensors share; its numbers are the record `data/<key>` of the archive.
public struct PyTorchStorage: Sendable, Equatable {
    public let key: String
    public let type: SafetensorsType
    /// Number of elements.
    public let count: Int

    /// Bytes of the record.
    var byteCount: Int { count * (type.bitCount / 8) }
}

/// A strided view of a storage.
public struct PyTorchTensor: Sendable, Equatable {
    public let storage: PyTorchStorage
    /// Elements before the first one.
    public let offset: Int
    public let shape: [Int]
    /// Elements between neighbours of each axis; 0 repeats.
    public let strides: [Int]

    public var type: SafetensorsType { storage.type }
    /// Number of elements; 1 for rank 0.
    public var count: Int { shape.reduce(1, *) }
    public var byteCount: Int { count * (type.bitCount / 8) }
}
