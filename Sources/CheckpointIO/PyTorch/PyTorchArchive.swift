import SafeFiles

/// The tensors of one dict inside a PyTorch checkpoint, by their keys.
public struct PyTorchArchive: TensorArchive {
    public let file: PyTorchFile
    /// The keys that lead from the root to the dict; empty for a plain state dict.
    public let keyPath: [String]
    public let entries: [TensorEntry]
    private let tensors: [String: PyTorchTensor]

    public var path: String { file.path }

    public func find(_ name: String) -> TensorEntry? {
        tensors[name].map { TensorEntry(name: name, type: $0.type, shape: $0.shape) }
    }

    public func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
        guard let tensor = tensors[name] else {
            _ = try entry(name)
            return
        }
        try file.read(tensor, into: buffer)
    }

    init(_ file: PyTorchFile, keyPath: [String]) throws(DataError) {
        var value = file.value
        for (depth, key) in keyPath.enumerated() {
            guard let next = value[key] else {
                throw Self.refused(
                    file,
                    "a dict with the key '\(key)'"
                        + (depth == 0 ? "" : " in \(keyPath[..<depth].joined(separator: "."))"),
                    Self.summary(value))
            }
            value = next
        }
        guard case .dict(let members) = value else {
            throw Self.refused(file, "a dict of tensors", value.kind)
        }
        var entries: [TensorEntry] = []
        var tensors: [String: PyTorchTensor] = [:]
        for member in members {
            guard case .tensor(let tensor) = member.value, let name = member.name else { continue }
            entries.append(TensorEntry(name: name, type: tensor.type, shape: tensor.shape))
            tensors[name] = tensor
        }
        guard !entries.isEmpty || members.isEmpty else {
            throw Self.refused(file, "a dict of tensors", Self.summary(value))
        }
        self.file = file
        self.keyPath = keyPath
        self.entries = entries
        self.tensors = tensors
    }

    private static func refused(_ file: PyTorchFile, _ expected: String, _ found: String) -> DataError {
        let known = file.tensorDicts.prefix(5).map { "'\($0.joined(separator: "."))'" }
        return DataError(
            .malformed, file: file.path, expected: expected, found: found,
            remedy: known.isEmpty
                ? "the file holds no dict of tensors"
                : "tensors lie under \(known.joined(separator: ", ")); name the keys to one of them")
    }

    /// A dict's first keys, or the kind of another value.
    private static func summary(_ value: PyTorchValue) -> String {
        guard case .dict(let members) = value else { return value.kind }
        let names = members.prefix(8).map { $0.name.map { "'\($0)'" } ?? $0.key.kind }
        return "the keys " + names.joined(separator: ", ") + (members.count > 8 ? ", …" : "")
    }
}

extension PyTorchFile {
    /// The tensors of the dict that `keyPath` leads to: `["model"]` for MAE, `["state_dict"]` for MoCo v3, `["teacher"]`
    /// for DINO and iBOT, nothing for a plain state dict. Other members are left out, dicts inside are not entered.
    ///
    /// - Throws: `DataError` when the keys lead to no dict of tensors; it names those there are.
    public func tensors(at keyPath: [String] = []) throws(DataError) -> PyTorchArchive {
        try PyTorchArchive(self, keyPath: keyPath)
    }

    /// The key paths of all dicts that hold tensors under string keys, reached through string keys alone; at most 100.
    public var tensorDicts: [[String]] {
        var found: [[String]] = []
        var open: [(path: [String], value: PyTorchValue)] = [([], value)]
        var next = 0
        while next < open.count && found.count < 100 && next < 10_000 {
            let (path, value) = open[next]
            next += 1
            guard case .dict(let members) = value else { continue }
            let named = members.filter { $0.name != nil }
            if named.contains(where: { if case .tensor = $0.value { true } else { false } }) { found.append(path) }
            for member in named {
                if case .dict = member.value { open.append((path + [member.name!], member.value)) }
            }
        }
        return found
    }
}
