import CheckpointIO
import Determinism
import SafeFiles
import VisionBackbones

/// Opens checkpoints from outside.
public enum CheckpointFile {
    /// Opens a checkpoint of any format that is read: safetensors, PyTorch's `.pth`, NumPy's `.npz`.
    ///
    /// - Parameter source: whose keys lead to the weights in a PyTorch file; the first that leads to tensors is taken. Nil
    ///   takes the dict with most tensors.
    /// - Throws: `.missing`; `.malformed` for what is none of these.
    public static func open(_ path: String, source: CheckpointSource? = nil) throws(DataError) -> any TensorArchive {
        guard let file = try CheckpointArchive.pyTorch(path) else { return try CheckpointArchive.open(path) }
        let dicts = file.tensorDicts
        if let keys = source?.keyPaths.first(where: dicts.contains) { return try file.tensors(at: keys) }
        var most = try file.tensors(at: dicts.first ?? [])
        for keys in dicts.dropFirst() {
            let found = try file.tensors(at: keys)
            if found.entries.count > most.entries.count { most = found }
        }
        return most
    }

    /// Refuses a PyTorch or NumPy file where one of this program's own is needed, with the way to make one.
    static func demandOwnFormat(_ path: String) throws(DataError) {
        guard try CheckpointArchive.isZip(path) else { return }
        throw DataError(
            .malformed, file: path, expected: "a safetensors file of this program", found: "a zip archive (.pth, .npz)",
            remedy:
                "name the code base that wrote it with --source, or make a backbone's file of it: dmt model convert "
                + "\(Folder.name(of: path)) backbone.safetensors --source mae")
    }

    /// An encoder to be looked at or probed: a backbone's own file, or with `source` a published checkpoint.
    ///
    /// - Parameter heads: attention heads of a published checkpoint; the source's rule when absent.
    static func loadBackbone(
        _ path: String, source: CheckpointSource?, heads: Int? = nil
    ) throws(DataError) -> VisionTransformer {
        guard let source else { return try ModelFile.loadBackbone(path) }
        return try loadEncoder(path, source: source, heads: heads).model
    }

    /// Reads the encoder of a checkpoint; nothing but the encoder is read.
    ///
    /// - Parameters:
    ///   - heads: attention heads; the source's rule when absent.
    /// - Throws: `.missing`; `.malformed` for what is no encoder of that source (every misfit is listed), and where the
    ///   rule does not tell the number of heads.
    public static func loadEncoder(
        _ path: String, source: CheckpointSource, heads: Int? = nil
    ) throws(DataError) -> PublishedEncoder {
        let file = try open(path, source: source)
        do throws(CheckpointError) {
            return try PublishedEncoder(file, source: source, heads: heads)
        } catch {
            throw DataError(
                .malformed, file: error.file, record: error.record.map { "'\($0)'" }, expected: error.expected,
                found: error.found, remedy: error.remedy)
        }
    }

    /// The SHA-256 of a file's bytes, in hexadecimal digits.
    public static func hash(_ path: String) throws(DataError) -> String {
        var hash = SHA256()
        try FileBytes.forEachPiece(of: path) { hash.update($0) }
        return hash.hex()
    }
}
