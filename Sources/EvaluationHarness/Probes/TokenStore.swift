import CheckpointIO
import SafeFiles
import TensorCore

/// The features of all inputs, any few of them at a time: held in memory, or read from the shards' files.
final class TokenStore {
    let count: Int
    /// Rows and channels of an input's features.
    let shape: (rows: Int, channels: Int)
    private let held: Tensor?
    private let files: [SafetensorsFile]

    /// Computes what is not computed yet.
    ///
    /// - Parameter onInput: called with the number of inputs done.
    /// - Throws: what `FeatureShards` throws; `TrainingInterrupted`.
    init(_ shards: FeatureShards, onInput: (Int) -> Void, shouldStop: () -> Bool) throws {
        precondition(shards.count > 0, "features of no inputs")
        count = shards.count
        var (held, files) = (Tensor?.none, [SafetensorsFile]())
        for shard in 0..<shards.shardCount {
            let range = shards.inputs(of: shard)
            if shouldStop() { throw TrainingInterrupted(completedSteps: range.lowerBound) }
            if shards.isStored {
                files.append(try shards.file(of: shard))
            } else {
                let part = try shards.features(of: shard)
                let all = held ?? Tensor(uninitialized: [shards.count] + part.shape.dropFirst())
                all.rows(range).assign(part)
                held = all
            }
            onInput(range.upperBound)
        }
        let sizes = try held?.shape ?? files[0].entry(FeatureShards.name).shape
        shape = (sizes[1], sizes[2])
        self.held = held
        self.files = files
    }

    /// A store of features at hand, `(N, R, C)`.
    init(_ features: Tensor) {
        count = features.shape[0]
        shape = (features.shape[1], features.shape[2])
        held = features
        files = []
    }

    /// `(B, R, C)` of some inputs, in the order given.
    func features(_ inputs: [Int]) throws(DataError) -> Tensor {
        if let held, inputs.count == count, inputs.elementsEqual(0..<count) { return held }
        let result = Tensor(uninitialized: [inputs.count, shape.rows, shape.channels])
        for (place, input) in inputs.enumerated() {
            let row = result.rows(place..<place + 1)
            if let held {
                row.assign(held.rows(input..<input + 1))
            } else {
                try files[input / FeatureShards.shardSize].read(
                    FeatureShards.name, from: input % FeatureShards.shardSize * row.byteCount,
                    into: UnsafeMutableRawBufferPointer(start: row.raw, count: row.byteCount))
            }
        }
        return result
    }
}
