import SafeFiles

/// Arguments of the functions that rebuild tensors.
extension PickleMachine {
    /// The largest rank taken here.
    static let rankLimit = 32
    /// Bytes that a tensor may have beyond those of its storage, by repeating it (strides of 0).
    static let repeatLimit = 64 << 20

    /// `(storage, offset, sizes, strides, requires_grad, hooks[, metadata])`.
    func tensor(_ arguments: [PickleNode.Index]) throws(DataError) -> PyTorchTensor {
        guard (6...7).contains(arguments.count), case .storage(let storage) = nodes[Int(arguments[0])],
            case .int(let offset) = nodes[Int(arguments[1])], case .bool = nodes[Int(arguments[4])],
            isEmpty(arguments[5]), arguments.count == 6 || isEmpty(arguments[6])
        else {
            throw refused(
                "storage, offset, sizes, strides and no hooks of a tensor", "other arguments", Self.remedy)
        }
        let shape = try sizes(arguments[2], "sizes")
        let strides = try sizes(arguments[3], "strides")
        guard shape.count == strides.count, offset >= 0 else {
            throw refused(
                "as many strides as sizes, an offset from 0",
                "\(shape.count) sizes, \(strides.count) strides, offset \(offset)")
        }
        let tensor = PyTorchTensor(storage: storage, offset: offset, shape: shape, strides: strides)
        try checkExtent(tensor)
        return tensor
    }

    /// `(tensor, requires_grad, hooks)`.
    func parameter(_ arguments: [PickleNode.Index]) throws(DataError) -> PyTorchTensor {
        guard arguments.count == 3, case .tensor(let tensor) = nodes[Int(arguments[0])],
            case .bool = nodes[Int(arguments[1])], isEmpty(arguments[2])
        else {
            throw refused("tensor, bool and no hooks of a parameter", "other arguments", Self.remedy)
        }
        return tensor
    }

    /// A tuple of whole numbers from 0.
    func sizes(_ index: PickleNode.Index, _ what: String) throws(DataError) -> [Int] {
        guard case .tuple(let items) = nodes[Int(index)] else {
            throw refused("a tuple of \(what)", nodes[Int(index)].kind)
        }
        guard items.count <= Self.rankLimit else {
            throw refused("at most \(Self.rankLimit) \(what)", "\(items.count)")
        }
        return try items.map { item throws(DataError) in
            guard case .int(let size) = nodes[Int(item)], size >= 0 else {
                throw refused("\(what) from 0", nodes[Int(item)].kind)
            }
            return size
        }
    }

    /// Every element lies inside the declared storage:
    ///
    ///     offset + Σ (sizeₖ − 1) · strideₖ + 1 ≤ count
    private func checkExtent(_ tensor: PyTorchTensor) throws(DataError) {
        let storage = tensor.storage
        var bits = storage.type.bitCount
        for size in tensor.shape {
            let (product, overflow) = bits.multipliedReportingOverflow(by: size)
            guard !overflow else { throw refused("a size below 2^63 bits", "shape \(tensor.shape)") }
            bits = product
        }
        guard bits > 0 else { return }
        var last = tensor.offset
        for (size, stride) in zip(tensor.shape, tensor.strides) {
            let (reach, tooFar) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflow) = last.addingReportingOverflow(reach)
            guard !tooFar, !overflow else { throw refused("strides inside the storage", "\(tensor.strides)") }
            last = sum
        }
        guard last < storage.count else {
            throw refused(
                "elements inside storage \(storage.key) of \(storage.count)", "element \(last) of shape \(tensor.shape)"
            )
        }
        guard bits / 8 <= max(storage.byteCount, Self.repeatLimit) else {
            throw refused(
                "a tensor of at most \(max(storage.byteCount, Self.repeatLimit)) bytes",
                "\(bits / 8), repeated from a storage of \(storage.byteCount)",
                "save a copy that repeats nothing, or leave it out")
        }
    }

    /// `None`, or a dict without members.
    private func isEmpty(_ index: PickleNode.Index) -> Bool {
        switch nodes[Int(index)] {
        case .none: true
        case .dict(let dict): dict.members.isEmpty
        default: false
        }
    }
}
