/// The names of the outside world that a checkpoint may mention. They stand for data: none of them is ever called.
enum PickleGlobal: Equatable, Sendable {
    case orderedDict
    case rebuildTensor
    case rebuildParameter
    case size
    case storage(SafetensorsType)
    /// `defaultdict`: a dict whose factory is of no interest.
    case defaultDict
    /// Something to list and never to load: `argparse.Namespace`, numbers of NumPy, data types.
    case opaque(name: String, form: OpaqueForm)

    /// How a pickle may make an opaque value.
    enum OpaqueForm: Equatable, Sendable {
        /// Standing for itself, as `torch.float32` and `builtins.list` do.
        case name
        /// From arguments (REDUCE).
        case call
        /// From arguments, and a state after it (REDUCE, then BUILD).
        case callAndState
        /// Empty, and a state after it (NEWOBJ, then BUILD).
        case object
    }

    /// - Parameters: the two lines of a GLOBAL instruction; Python 2's names of modules are read as Python 3's.
    init?(module: String, name: String) {
        let module = module == "__builtin__" ? "builtins" : module
        guard let known = Self.table["\(module).\(name)"] else { return nil }
        self = known
    }

    /// Every name that is let in.
    static let table: [String: PickleGlobal] = {
        var table: [String: PickleGlobal] = [
            "collections.OrderedDict": .orderedDict,
            "collections.defaultdict": .defaultDict,
            "torch._utils._rebuild_tensor_v2": .rebuildTensor,
            "torch._utils._rebuild_parameter": .rebuildParameter,
            "torch.Size": .size,
            "torch.FloatStorage": .storage(.f32),
            "torch.HalfStorage": .storage(.f16),
            "torch.BFloat16Storage": .storage(.bf16),
            "torch.DoubleStorage": .storage(.f64),
            "torch.LongStorage": .storage(.i64),
            "torch.IntStorage": .storage(.i32),
            "torch.ShortStorage": .storage(.i16),
            "torch.CharStorage": .storage(.i8),
            "torch.ByteStorage": .storage(.u8),
            "torch.BoolStorage": .storage(.bool),
        ]
        let dtypes = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
        let opaque: [(PickleGlobal.OpaqueForm, [String])] = [
            (.name, dtypes.map { "torch." + $0 } + ["builtins.list", "builtins.int", "builtins.dict"]),
            (
                .call,
                [
                    "torch.device", "collections.Counter", "builtins.set", "_codecs.encode",
                    "numpy.core.multiarray.scalar",
                    "numpy._core.multiarray.scalar", "pathlib.PosixPath", "pathlib._local.PosixPath",
                ]
            ),
            (.callAndState, ["numpy.dtype"]),
            (.object, ["argparse.Namespace"]),
        ]
        for (form, names) in opaque {
            for name in names { table[name] = .opaque(name: name, form: form) }
        }
        return table
    }()
}
