import Communication
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore

/// The state of a training as the leader has it, handed to all ranks.
struct SharedState {
    private let group: any Communicator

    init(_ group: any Communicator) { self.group = group }

    /// Gives every rank the leader's values, buffers and moments.
    func share(_ model: some Layer, _ optimizer: some Optimizer) {
        for entry in model.stateEntries() { share(entry.tensor) }
        let moments = optimizer.state.moments.map(\.tensor)
        for moment in moments { share(moment) }
        optimizer.restore(moments: moments, stepCount: group.leaders(optimizer.stepCount))
    }

    private func share(_ tensor: Tensor) {
        let bytes = group.leaders(
            group.isLeader ? Array(UnsafeRawBufferPointer(start: tensor.raw, count: tensor.byteCount)) : [])
        bytes.withUnsafeBytes {
            if let start = $0.baseAddress { tensor.raw.copyMemory(from: start, byteCount: tensor.byteCount) }
        }
        keepAlive(tensor.storage)
    }

    /// The leader's sums.
    func shared(_ sums: [NamedSums]) throws(DataError) -> [NamedSums] {
        try parsed(.array(sums.map(\.json))).array?.compactMap { NamedSums($0) } ?? []
    }

    /// The leader's history, which it has.
    func shared(_ history: TrainingHistory?) throws(DataError) -> TrainingHistory? {
        TrainingHistory(try parsed(history?.json ?? .null))
    }

    private func parsed(_ json: JSONValue) throws(DataError) -> JSONValue {
        let text = group.leaders(json.text())
        do {
            return try JSONValue.parse(text, file: "rank 0")
        } catch {
            throw DataError(
                .malformed, file: "rank 0", expected: "the state of a training", found: "\(error)",
                remedy: "start all ranks with the same program")
        }
    }
}
