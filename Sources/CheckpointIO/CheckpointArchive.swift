import SafeFiles

/// Opens checkpoints of every format that is read here.
public enum CheckpointArchive {
    /// Opens a safetensors file, a PyTorch checkpoint, or NumPy's `.npz` or `.npy`, by its bytes and not by its name.
    ///
    /// - Parameter keyPath: the keys that lead to the dict of tensors in a PyTorch checkpoint; the other formats have no
    ///   such keys, so it must be empty for them.
    /// - Throws: `DataError`: missing file, another format with the way to convert it, or the rule that the file breaks.
    public static func open(_ path: String, keyPath: [String] = []) throws(DataError) -> any TensorArchive {
        let source = try ByteSource(path: path, expected: "a readable checkpoint")
        return try open(source, keyPath: keyPath)
    }

    /// Whether a file starts as a zip archive does: `.pth` and `.npz`.
    ///
    /// - Throws: `DataError`: a file that is missing or cannot be read.
    public static func isZip(_ path: String) throws(DataError) -> Bool {
        try CheckpointFormat(of: ByteSource(path: path, expected: "a readable checkpoint")) == .zip
    }

    /// The PyTorch checkpoint in a file, or nil where the file is of another format that is read.
    ///
    /// - Throws: as `open`.
    public static func pyTorch(_ path: String) throws(DataError) -> PyTorchFile? {
        let source = try ByteSource(path: path, expected: "a readable checkpoint")
        guard try CheckpointFormat(of: source) == .zip else { return nil }
        let archive = try ZipArchive(source)
        return NumPyFile.isPlausible(archive) ? nil : try PyTorchFile(archive)
    }

    static func open(_ source: ByteSource, keyPath: [String]) throws(DataError) -> any TensorArchive {
        let format = try CheckpointFormat(of: source)
        if format == .zip {
            let archive = try ZipArchive(source)
            if !NumPyFile.isPlausible(archive) { return try PyTorchFile(archive).tensors(at: keyPath) }
            try refuseKeys(keyPath, source)
            return try NumPyFile(archive)
        }
        try refuseKeys(format == .safetensors || format == .numPyArray ? keyPath : [], source)
        switch format {
        case .safetensors: return try SafetensorsFile(source)
        case .numPyArray: return try NumPyFile(array: source)
        default:
            throw format.refused(
                source.path, expected: "a checkpoint of safetensors, PyTorch (.pth) or NumPy (.npz, .npy)")
        }
    }

    private static func refuseKeys(_ keyPath: [String], _ source: ByteSource) throws(DataError) {
        guard let key = keyPath.first else { return }
        throw DataError(
            .malformed, file: source.path, expected: "a PyTorch checkpoint with the key '\(key)'",
            found: "a format without keys", remedy: "leave the key path out")
    }
}
