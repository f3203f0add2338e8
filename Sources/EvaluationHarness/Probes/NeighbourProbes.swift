import DenseHeads
import Determinism
import ImageFiles
import SafeFiles
import TensorCore

/// Dense k-NN retrieval as hummingbird's protocol does it.
struct RetrievalProbe: SegmentationProbe {
    var neighbours = 30
    var temperature = 0.02
    /// Patches kept in all, rare classes first in every picture; nil keeps all.
    var memory: Int?
    var seed: UInt64 = 0

    var words: String {
        "\(choice), temperature \(temperature), memory "
            + (memory.map { "of \($0) patches, rare classes first, seed \(seed)" } ?? "of all patches")
            + ", pixels without a class count for none"
    }
    var choice: String { "\(neighbours) neighbours by cosine" }

    func fit(_ set: ProbeSet, shouldStop: () -> Bool) throws -> any FittedSegmentationProbe {
        try ProbeMemory.check(
            patches: memory ?? set.count * set.store.shape.rows, width: set.store.shape.channels)
        let perPicture = memory.map { min(max(1, $0 / set.count), set.store.shape.rows) } ?? set.store.shape.rows
        let rows = Tensor(uninitialized: [set.count * perPicture, set.store.shape.channels])
        var labels = set.noPixels
        for start in stride(from: 0, to: set.count, by: FeatureShards.shardSize) {
            if shouldStop() { throw TrainingInterrupted(completedSteps: 0) }
            let members = Array(start..<min(start + FeatureShards.shardSize, set.count))
            let maps = try ParallelMap.map(members.count) { try set.labels(of: members[$0]) }
            for (member, map) in zip(members, maps) {
                let (kept, pixels) = sampled(map, set, member: member, count: perPicture)
                labels.append(pixels.gathering(kept))
                let tokens = try set.tokens([member]).reshaped([-1, set.store.shape.channels])
                rows.rows(member * perPicture..<(member + 1) * perPicture).assign(tokens.gathering(kept))
            }
        }
        return Fitted(
            retrieval: PatchRetrieval(
                memory: rows, labels: labels, classCount: set.classCount, neighbourCount: neighbours,
                temperature: temperature))
    }

    /// The patches of one member that are kept, and the labels of all of them.
    private func sampled(_ map: LabelImage, _ set: ProbeSet, member: Int, count: Int) -> ([Int], PatchPixels) {
        var pixels = set.noPixels
        pixels.append(map: map.values, height: map.height, width: map.width, grid: set.grid)
        if memory == nil { return (Array(0..<pixels.count), pixels) }
        var stream = RandomStream(seed: seed, purpose: "memory sampling", UInt64(set.inputs[member]))
        return (pixels.rareFirst(patches: 0..<pixels.count, count: count, &stream).sorted(), pixels)
    }

    private struct Fitted: PatchScoringProbe {
        let retrieval: PatchRetrieval

        func scores(_ tokens: Tensor) -> Tensor { retrieval.scores(tokens) }
    }
}

/// k-NN of standardised patch tokens whose neighbours vote pixel by pixel, as CAPI's protocol does it.
struct PatchVoteProbe: SegmentationProbe {
    var neighbours: Int
    var measure: NeighbourSearch.Measure

    var words: String {
        "\(choice), of standardised patch tokens, the commonest label at each pixel of the neighbours' patches"
    }
    var choice: String { "\(neighbours) neighbours by \(measure == .cosine ? "cosine" : "L2 distance")" }

    func fit(_ set: ProbeSet, shouldStop: () -> Bool) throws -> any FittedSegmentationProbe {
        try ProbeMemory.check(patches: set.count * set.store.shape.rows, width: set.store.shape.channels)
        let (rows, pixels) = try set.labelledRows()
        let scaling = ChannelScaling(rows)
        if shouldStop() { throw TrainingInterrupted(completedSteps: 0) }
        return Fitted(
            scaling: scaling,
            votes: PatchVotes(memory: scaling(rows), labels: pixels, neighbourCount: neighbours, measure: measure))
    }

    private struct Fitted: PatchLabellingProbe {
        let scaling: ChannelScaling
        let votes: PatchVotes

        func pixels(_ tokens: Tensor, pixelsPerPatch: Int) -> [UInt16] { votes.labels(scaling(tokens)) }
    }
}

/// Refuses memories that the machine cannot hold, before anything is computed.
enum ProbeMemory {
    /// - Throws: `.configuration` where tokens would take more than half of the physical memory.
    static func check(patches: Int, width: Int) throws(DataError) {
        let (needed, limit) = (
            PatchRetrieval.byteCount(patches: patches, width: width), EnvironmentReport.memoryBytes / 2
        )
        guard needed <= limit else {
            throw DataError(
                .configuration, file: "options", record: "memory",
                expected: "tokens of at most \(limit >> 20) MiB, half of this machine's memory",
                found: "\(patches) patches of \(width) numbers, \(needed >> 20) MiB",
                remedy:
                    "keep features in a folder (--features), fewer patches (--memory), or show smaller pictures (--size)"
            )
        }
    }
}
