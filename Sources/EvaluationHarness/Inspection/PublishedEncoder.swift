import CheckpointIO
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// An encoder out of a checkpoint from outside, with its weights, and the names it was found by.
///
/// Names, shapes and types are compared first, and everything that does not fit stands in one error. Then each tensor is
/// read into its place: beside the network there is never more than one tensor.
public struct PublishedEncoder {
    public let model: VisionTransformer
    public let names: EncoderNames

    /// - Parameters:
    ///   - file: opened with the keys of `source`.
    ///   - heads: attention heads; told by a table of relative positions or by the source's rule when absent.
    /// - Throws: for what is no encoder of that source, unreadable numbers, and numbers that are not finite.
    init(_ file: any TensorArchive, source: CheckpointSource, heads: Int?) throws(CheckpointError) {
        let names = try EncoderNames(source, keys: file.entries.map(\.name), file: file.path)
        var entries: [String: TensorEntry] = [:]
        var misfits: [CheckpointError.Misfit] = []
        for entry in file.entries {
            guard let name = names.name(of: entry.name) else { continue }
            if let other = entries.updateValue(entry, forKey: name) {
                misfits.append((entry.name, "the same part as \(other.name)"))
            }
            if ![.f32, .f64, .bf16, .f16].contains(entry.type) {
                misfits.append((entry.name, "type \(entry.type.rawValue) for a floating type"))
            }
        }
        self.names = names
        model = try Self.network(entries, file.path, source, heads, &misfits)
        try Self.read(file, entries, into: model)
    }

    /// The network that the shapes tell, with weights still to be read.
    private static func network(
        _ entries: [String: TensorEntry], _ path: String, _ source: CheckpointSource, _ heads: Int?,
        _ misfits: inout [CheckpointError.Misfit]
    ) throws(CheckpointError) -> VisionTransformer {
        var shapes = entries.mapValues(\.shape)
        let width = shapes[ViTShape.projection]?.first ?? 0
        let headCount = heads ?? ViTShape.headCount(shapes) ?? source.headCount(width: width)
        var (configuration, faults) = try ViTShape.read(shapes, headCount: headCount ?? 1, file: path)
        guard headCount != nil else {
            throw CheckpointError(
                file: path, expected: "a width that tells the number of heads: for most sources a multiple of 64",
                found: "width \(width) with --source \(source.rawValue)",
                remedy: "name the number with dmt model convert --heads")
        }
        configuration.positionResize = source.positionResize
        // The shapes of a few tensors must not make us build a network that the file cannot fill.
        let valueCount = entries.values.reduce(0) { $0 + $1.count }
        guard configuration.parameterCount() / 2 <= valueCount else {
            misfits += faults
            guard misfits.isEmpty else { throw CheckpointError(file: path, misfits: misfits) }
            throw CheckpointError(
                file: path, expected: "about \(configuration.parameterCount()) values, as the shapes tell",
                found: "\(valueCount)", remedy: "use a whole checkpoint")
        }
        let model = VisionTransformer(configuration, seed: nil)
        if let table = shapes["pos_embed"], table.count == 3, ViTShape.lacksClassPosition(rows: table[1]) {
            shapes["pos_embed"]![1] += 1
        }
        let faulty = Set(faults.map(\.key))
        let others = model.misfits(of: shapes).filter { !faulty.contains($0.key) }.map { ($0.key, "\($0.problem)") }
        misfits += (faults + others).map { name, problem in (entries[name]?.name ?? name, problem) }
        guard misfits.isEmpty else { throw CheckpointError(file: path, misfits: misfits) }
        return model
    }

    private static func read(
        _ file: any TensorArchive, _ entries: [String: TensorEntry], into model: VisionTransformer
    ) throws(CheckpointError) {
        var broken: [String] = []
        for state in model.stateEntries() {
            let entry = entries[state.name]!
            do throws(DataError) {
                // Where the table starts with the patches, the class token has its position in itself.
                if state.tensor.count != entry.count {
                    let table = try file.tensor(entry.name).converted(to: state.tensor.dtype)
                    let row = state.tensor.byteCount - table.byteCount
                    state.tensor.raw.initializeMemory(as: UInt8.self, repeating: 0, count: row)
                    (state.tensor.raw + row).copyMemory(from: table.raw, byteCount: table.byteCount)
                } else {
                    try file.read(entry.name, into: state.tensor)
                }
            } catch {
                throw CheckpointError(
                    file: file.path, record: entry.name, expected: error.expected, found: error.found,
                    remedy: error.remedy)
            }
            if !state.tensor.isFinite { broken.append(entry.name) }
        }
        guard broken.isEmpty else {
            throw CheckpointError(
                file: file.path, expected: "finite weights",
                found: "NaN or infinity in \(broken.count) tensor(s): \(broken.prefix(20).joined(separator: ", "))"
                    + (broken.count > 20 ? ", …" : ""),
                remedy: "use a checkpoint from before the training diverged")
        }
    }
}
