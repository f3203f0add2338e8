import JSONText
import NeuralLayers
import SafeFiles
import TensorCore

/// The whole state of a training between two steps. Random draws are functions of seed, purpose and step, so that none of
/// their state is part of it.
///
/// In a file (`SealedFile`): tensors `model.NAME` (parameters and buffers) and `optimizer.NAME` (moments), in the type they
/// have in memory; the metadata key `dmt.snapshot` holds the rest as JSON.
public struct TrainingSnapshot {
    static let metadataKey = "dmt.snapshot"
    private static let schema: Int64 = 1

    /// Steps done: the number of the next one, from 0.
    public private(set) var completedSteps: Int
    let history: TrainingHistory
    private let carried: [NamedSums]
    private let optimizerSteps: Int
    /// What the next step would overwrite: a snapshot that was not read from a file is to be written before it.
    private let tensors: [String: Tensor]

    /// The state as it is now.
    init(
        _ model: some Layer, _ optimizer: some Optimizer, completedSteps: Int, history: TrainingHistory,
        carried: (any CarriedSums)?
    ) {
        self.completedSteps = completedSteps
        self.history = history
        self.carried = carried?.sums ?? []
        optimizerSteps = optimizer.stepCount
        var tensors: [String: Tensor] = [:]
        for (name, tensor) in optimizer.state.moments { tensors["optimizer." + name] = tensor }
        for entry in model.stateEntries() { tensors["model." + entry.name] = entry.tensor }
        self.tensors = tensors
    }

    /// Names of tensors that hold a value which is no finite number.
    var brokenTensors: [String] { tensors.filter { !$0.value.isFinite }.keys.sorted() }

    func write(to path: String, identity: TrainingIdentity) throws(DataError) {
        let rest = JSONValue.object([
            ("schema", .int(Self.schema)), ("completed_steps", .int(Int64(completedSteps))),
            ("optimizer_steps", .int(Int64(optimizerSteps))), ("identity", identity.json),
            ("history", history.json), ("carried", .array(carried.map(\.json))),
        ])
        try SealedFile.write(tensors, metadata: [Self.metadataKey: rest.text()], to: path)
    }

    /// Reads a snapshot of a training with this identity.
    ///
    /// - Throws: `.malformed` for a file that is not as it was written, or by another version of the format;
    ///   `.configuration` for another training's.
    init(_ path: String, identity: TrainingIdentity, totalSteps: Int) throws(DataError) {
        let contents = try SealedFile.load(path)
        guard let text = contents.metadata[Self.metadataKey], let rest = try? JSONValue.parse(text, file: path),
            rest["schema"]?.int == Self.schema
        else { throw Self.malformed(path, "a snapshot of format \(Self.schema)", "another file") }
        try identity.check(rest["identity"] ?? .null, file: path)
        guard let steps = rest["completed_steps"]?.index, steps <= totalSteps,
            let optimizerSteps = rest["optimizer_steps"]?.index,
            let history = TrainingHistory(rest["history"]), let items = rest["carried"]?.array
        else { throw Self.malformed(path, "steps, history and sums", "other metadata") }
        let carried = items.compactMap { NamedSums($0) }
        guard carried.count == items.count else { throw Self.malformed(path, "sums", "other metadata") }
        completedSteps = steps
        self.optimizerSteps = optimizerSteps
        self.history = history
        self.carried = carried
        tensors = contents.tensors
    }

    /// Makes this the state of a training.
    ///
    /// - Parameter file: named in errors.
    /// - Throws: `.malformed` for the state of another network; nothing is changed then.
    func restore(
        into model: some Layer, _ optimizer: some Optimizer, _ sums: (any CarriedSums)?, file: String
    ) throws(DataError) {
        var state: [String: Tensor] = [:]
        for (name, tensor) in tensors where name.hasPrefix("model.") { state[String(name.dropFirst(6))] = tensor }
        let wanted = optimizer.state.moments
        let moments = wanted.compactMap { tensors["optimizer." + $0.name] }
        guard moments.count == wanted.count, moments.allSatisfy({ $0.count == optimizer.values.count }) else {
            throw Self.malformed(
                file, "\(wanted.map(\.name).joined(separator: ", ")) of \(optimizer.values.count) values", "others")
        }
        do throws(StateError) {
            try model.load(state, from: file)
        } catch {
            throw Self.malformed(file, "the state of this network", error.list(8))
        }
        optimizer.restore(moments: moments, stepCount: optimizerSteps)
        sums?.sums = carried
    }

    private static func malformed(_ file: String, _ expected: String, _ found: String) -> DataError {
        DataError(
            .malformed, file: file, expected: expected, found: found,
            remedy: "continue with the version that wrote it, or start a new run")
    }
}
