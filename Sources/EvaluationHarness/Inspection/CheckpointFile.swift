import CheckpointIO
import Determinism
import Foundation
import NeuralLayers
import SafeFiles
import VisionBackbones

/// Opens checkpoints from outside and builds the encoders in them.
public enum CheckpointFile {
    /// An encoder with its weights, and what it was made from.
    public struct Encoder {
        public let model: VisionTransformer
        public let names: EncoderNames
    }

    /// Opens a safetensors file.
    ///
    /// - Throws: `.malformed` for other formats; those of PyTorch are told apart by their first bytes.
    public static func open(_ path: String) throws(DataError) -> SafetensorsFile {
        if let format = foreignFormat(path) {
            throw DataError(
                .malformed, file: path, expected: "a safetensors file", found: format,
                remedy:
                    "convert it with PyTorch: safetensors.torch.save_file(state_dict, 'encoder.safetensors')"
            )
        }
        return try SafetensorsFile(path: path)
    }

    private static func foreignFormat(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var start = [UInt8](repeating: 0, count: 4)
        guard fread(&start, 1, 4, file) == 4 else { return nil }
        if start == [0x50, 0x4B, 3, 4] { return "a zip archive, as PyTorch's .pth and NumPy's .npz files are" }
        // A pickle starts with its protocol: 0x80 and 2 to 5. A header of such a length would start with '{' at byte 8
        // only if it had at least 640 bytes: the file's name decides.
        let isPickle = start[0] == 0x80 && (2...5).contains(start[1])
        let ending = (path as NSString).pathExtension.lowercased()
        return isPickle && ["pth", "pt", "pkl", "bin", "tar"].contains(ending) ? "a Python pickle" : nil
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
        let file = try open(path)
        let entries = file.header.entries
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
                model: try load(path, entries, names, shapes, valueCount, heads: heads), names: names)
        } catch {
            throw DataError(
                .malformed, file: error.file, record: error.record.map { "'\($0)'" }, expected: error.expected,
                found: error.found, remedy: error.remedy)
        }
    }

    private static func load(
        _ path: String, _ entries: [SafetensorsHeader.Entry], _ names: EncoderNames, _ shapes: [String: [Int]],
        _ valueCount: Int, heads: Int?
    ) throws(CheckpointError) -> VisionTransformer {
        let source = names.source
        let width = shapes[ViTShape.projection]?.first ?? 0
        let headCount = heads ?? source.headCount(width: width)
        let configuration = try ViTShape.configuration(shapes, headCount: headCount ?? 1, file: path)
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
        for entry in entries where names.name(of: entry.name) != nil {
            guard [.f32, .f64, .bf16, .f16].contains(entry.type) else {
                throw CheckpointError(
                    file: path, record: entry.name, expected: "floating-point weights",
                    found: entry.type.rawValue, remedy: "store the weights as F32")
            }
        }
        do {
            let contents = try Safetensors.load(path) { names.name(of: $0) != nil }
            let model = VisionTransformer(configuration, seed: 0)
            try model.load(
                Dictionary(uniqueKeysWithValues: contents.tensors.map { (names.name(of: $0)!, $1) }), from: path)
            return model
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
