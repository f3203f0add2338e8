import Autograd
import CheckpointIO
import Determinism
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// Opens checkpoints from outside and builds the encoders in them.
public enum CheckpointFile {
    /// An encoder with its weights, and what it was made from.
    public struct Encoder {
        public let model: VisionTransformer
        public let names: EncoderNames
    }

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
        guard CheckpointArchive.isZip(path) else { return }
        throw DataError(
            .malformed, file: path, expected: "a safetensors file of this program", found: "a zip archive (.pth, .npz)",
            remedy:
                "name the code base that wrote it with --source, or make a backbone's file of it: dmt model convert "
                + "\(Folder.name(of: path)) backbone.safetensors --source mae")
    }

    /// An encoder to be looked at or probed: a backbone's own file, or with `source` a published checkpoint.
    static func loadBackbone(_ path: String, source: CheckpointSource?) throws(DataError) -> VisionTransformer {
        guard let source else { return try ModelFile.loadBackbone(path) }
        return try loadEncoder(path, source: source).model
    }

    /// Reads the encoder of a checkpoint; nothing but the encoder is read.
    ///
    /// - Parameters:
    ///   - heads: attention heads; the source's rule when absent.
    /// - Throws: `.missing`; `.malformed` for what is no encoder of that source (every misfit is listed), and where the
    ///   rule does not tell the number of heads.
    public static func loadEncoder(
        _ path: String, source: CheckpointSource, heads: Int? = nil
    ) throws(DataError) -> Encoder {
        let file = try open(path, source: source)
        let entries = file.entries
        do throws(CheckpointError) {
            let names = try EncoderNames(source, keys: entries.map(\.name), file: path)
            var shapes: [String: [Int]] = [:]
            var valueCount = 0
            for entry in entries {
                guard let name = names.name(of: entry.name) else { continue }
                shapes[name] = entry.shape
                valueCount += entry.count
            }
            return Encoder(
                model: try load(file, names, shapes, valueCount, heads: heads), names: names)
        } catch {
            throw DataError(
                .malformed, file: error.file, record: error.record.map { "'\($0)'" }, expected: error.expected,
                found: error.found, remedy: error.remedy)
        }
    }

    private static func load(
        _ file: any TensorArchive, _ names: EncoderNames, _ shapes: [String: [Int]], _ valueCount: Int, heads: Int?
    ) throws(CheckpointError) -> VisionTransformer {
        let (path, source) = (file.path, names.source)
        let width = shapes[ViTShape.projection]?.first ?? 0
        let headCount = heads ?? source.headCount(width: width)
        var configuration = try ViTShape.configuration(shapes, headCount: headCount ?? 1, file: path)
        configuration.positionResize = source.positionResize
        guard headCount != nil else {
            throw CheckpointError(
                file: path, expected: "a width that is a multiple of 64, one head each",
                found: "width \(width)", remedy: "name the number of heads with --heads")
        }
        // The shapes of a few tensors must not make us build a network that the file cannot fill.
        guard configuration.parameterCount() / 2 <= valueCount else {
            throw CheckpointError(
                file: path, expected: "about \(configuration.parameterCount()) values, as the shapes tell",
                found: "\(valueCount)", remedy: "use a whole checkpoint")
        }
        for entry in file.entries where names.name(of: entry.name) != nil {
            guard [.f32, .f64, .bf16, .f16].contains(entry.type) else {
                throw CheckpointError(
                    file: path, record: entry.name, expected: "floating-point weights",
                    found: entry.type.rawValue, remedy: "store the weights as F32")
            }
        }
        do {
            var tensors: [String: Tensor] = [:]
            for (key, tensor) in try file.tensors(where: { names.name(of: $0) != nil }) {
                tensors[names.name(of: key)!] = tensor
            }
            let broken = tensors.filter { !$0.value.isFinite }.keys.sorted()
            guard broken.isEmpty else {
                throw CheckpointError(
                    file: path, expected: "finite weights",
                    found: "NaN or infinity in \(broken.count) tensor(s): \(broken.prefix(20).joined(separator: ", "))",
                    remedy: "use a checkpoint from before the training diverged")
            }
            // Where the table starts with the patches, the class token has its position in itself.
            if let table = tensors["pos_embed"], ViTShape.lacksClassPosition(rows: table.shape[1]) {
                let first = Variable(Tensor.zeros([1, 1, table.shape[2]], table.dtype))
                tensors["pos_embed"] = Variable.concatenated([first, Variable(table)], axis: 1).value
            }
            let model = VisionTransformer(configuration, seed: 0)
            try model.load(tensors, from: path)
            return model
        } catch let error as CheckpointError {
            throw error
        } catch let error as StateError {
            let shown = error.misfits.prefix(20).map { "\($0.key): \($0.problem)" }.joined(separator: ", ")
            throw CheckpointError(
                file: path, expected: "the names and shapes of a plain ViT",
                found: "\(error.misfits.count) misfit(s): \(shown)\(error.misfits.count > 20 ? ", …" : "")",
                remedy: "check --source, or export the encoder alone")
        } catch {
            throw CheckpointError(
                file: path, expected: "readable tensors", found: "\(error)", remedy: "check the file")
        }
    }

    /// The SHA-256 of a file's bytes, in hexadecimal digits.
    public static func hash(_ path: String) throws(DataError) -> String {
        var hash = SHA256()
        try FileBytes.forEachPiece(of: path) { hash.update($0) }
        return hash.hex()
    }
}
