import DenseData
import Geometry
import ImageFiles
import SafeFiles
import TensorCore
import VisionBackbones

/// A frozen classification probe from pictures to their classes: features, choice of settings, fit, predictions.
struct ClassProbeRun {
    var candidates: [any ClassProbe]
    var feature: PictureFeature
    var options: ProbeOptions
    /// Pixels of the square that the backbone sees: short side, then the middle.
    var side: Int
    var seed: UInt64
    /// The checkpoint's hash and source, for kept features.
    var checkpointWords: String

    /// The reference's crops: 8 % to all of the area, mirrored every other time.
    var views: ProbeViews { ProbeViews(side: side, drawn: options.views, area: 0.08...1, mirror: 0.5, seed: seed) }

    func predict(
        _ backbone: VisionTransformer, train: any ClassificationLoader, dataset: any ClassificationLoader,
        onImage: (Int) -> Void,
        shouldStop: () -> Bool
    ) throws -> (rankings: [[Int]], selection: ProbeSelection, words: String) {
        try ClassificationInference.demandSeveralClasses(train.info)
        try ClassificationInference.check(train.info.classes, dataset.info, modelName: "the training split")
        try backbone.demand(side: side)
        try HeldOutSplit.demand(pictures: train.count, candidates: candidates.count)
        let (seen, classCount) = (views, train.info.classes.count)
        let bank = try features(backbone, train, seen, before: 0, onImage, shouldStop)
        let labels = (0..<bank.shape[0]).map { train.label(at: $0 % train.count) }
        let selection = try choose(bank, labels, pictures: train.count, classCount: classCount, shouldStop)
        let chosen = candidates[selection.chosen]
        let classify = try chosen.fit(bank, labels: labels, classCount: classCount, shouldStop: shouldStop)
        let queries = try features(
            backbone, dataset, ProbeViews(side: side), before: bank.shape[0], onImage, shouldStop)
        return (classify(queries), selection, selection.protocolWords(chosen.words, choice: chosen.choice))
    }

    private func choose(
        _ bank: Tensor, _ labels: [Int], pictures: Int, classCount: Int, _ shouldStop: () -> Bool
    ) throws -> ProbeSelection {
        guard candidates.count > 1 else { return ProbeSelection() }
        let split = HeldOutSplit(count: pictures, share: options.heldOutShare, seed: seed)
        let held = Set(split.heldOut)
        let learning = labels.indices.filter { !held.contains($0 % pictures) }
        let (part, scored) = (bank.gathering(learning), bank.gathering(split.heldOut))
        return try ProbeSelection.choose(candidates.map(\.choice), by: "top-1", on: split.words) { index in
            let classify = try candidates[index].fit(
                part, labels: learning.map { labels[$0] }, classCount: classCount, shouldStop: shouldStop)
            let found = classify(scored)
            return Double(zip(found, split.heldOut).count { $0.first == labels[$1] }) / Double(found.count)
        }
    }

    /// `(N, C)`: one row an input.
    private func features(
        _ backbone: VisionTransformer, _ dataset: any ClassificationLoader, _ views: ProbeViews, before: Int,
        _ onImage: (Int) -> Void, _ shouldStop: () -> Bool
    ) throws -> Tensor {
        let request = feature.request(depth: backbone.depth)
        let shards = try FeatureShards(
            count: dataset.count * views.perPicture, folder: options.featureFolder,
            key: {
                "checkpoint \(checkpointWords); data \(try dataset.contentHash()); short side \(side), middle square, "
                    + "bicubic; blocks \(request.blocks), \(request.pooling.rawValue); \(views.words), "
                    + "seed \(views.drawn > 0 ? seed : 0)"
            }
        ) { range in
            let pictures = try ParallelMap.map(range.count) { place in
                let input = range.lowerBound + place
                let picture = try dataset.sample(at: input % dataset.count).picture
                let size = ImageSize(height: picture.height, width: picture.width)
                return views.framing(
                    of: size, input: input, test: Framing(of: size, shortSide: side, centreCrop: side)
                ).picture(picture, filter: .bicubicAntialiased)
            }
            return request.features(of: pictures, backbone)
        }
        let store = try TokenStore(shards, onInput: { onImage(before + $0) }, shouldStop: shouldStop)
        return try store.features(Array(0..<store.count)).reshaped([store.count, store.shape.channels])
    }
}
