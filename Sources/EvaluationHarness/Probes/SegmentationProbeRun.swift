import DenseData
import Determinism
import Geometry
import ImageFiles
import Reporting
import SafeFiles
import VisionBackbones

/// A frozen segmentation probe from pictures to predictions on disk: features, choice of settings, fit, label maps.
struct SegmentationProbeRun {
    var kind: ProbeProtocol
    var options: ProbeOptions
    /// Pictures and training labels are squeezed to this side, a multiple of the patch.
    var side: Int
    var seed: UInt64
    /// The checkpoint's hash and source, for kept features.
    var checkpointWords: String

    var views: ProbeViews { ProbeViews(side: side, drawn: options.views, seed: seed) }

    /// Writes one index PNG a picture of `dataset`.
    ///
    /// - Returns: how the settings were chosen, and what was learned in words.
    func predict(
        _ backbone: VisionTransformer, train: SegmentationFolder, dataset: SegmentationFolder, to folder: String,
        onImage: (Int) -> Void, shouldStop: () -> Bool
    ) throws -> (selection: ProbeSelection, words: String) {
        try check(backbone, train, dataset)
        let writer = try LabelMapWriter(folder, dataset: dataset, classCount: dataset.info.classes.count)
        let (set, inputs) = try trainingSet(backbone, train, onImage, shouldStop)
        let candidates = kind.candidates(options, pictures: train.count, seed: seed)
        let selection = try ProbeSelection.choose(
            candidates, set: set, pictures: train.count, share: options.heldOutShare, seed: seed, shouldStop: shouldStop
        )
        let chosen = candidates[selection.chosen]
        let fitted = try chosen.fit(set, shouldStop: shouldStop)
        let shards = try testShards(backbone, dataset)
        for shard in 0..<shards.shardCount {
            if shouldStop() { throw TrainingInterrupted(completedSteps: inputs + shards.inputs(of: shard).lowerBound) }
            let (range, tokens) = (shards.inputs(of: shard), try shards.features(of: shard))
            // A probe's products run on all cores already; pictures are read and written in parallel.
            let sizes = try ParallelMap.map(range.count) { place in
                let picture = try dataset.picture(at: range.lowerBound + place)
                return ImageSize(height: picture.height, width: picture.width)
            }
            let maps = sizes.enumerated().map { place, size in
                fitted.labels(
                    of: tokens.rows(place..<place + 1).reshaped([set.store.shape.rows, set.store.shape.channels]),
                    grid: set.grid, side: side, output: size)
            }
            _ = try ParallelMap.map(range.count) { place in
                try writer.write(maps[place], of: dataset.name(at: range.lowerBound + place))
            }
            onImage(inputs + range.upperBound)
        }
        Folder.synchronizeDisks()
        return (selection, selection.protocolWords(chosen.words, choice: chosen.choice))
    }

    private func check(
        _ backbone: VisionTransformer, _ train: SegmentationFolder, _ dataset: SegmentationFolder
    ) throws(DataError) {
        func refuse(_ record: String, _ expected: String, _ found: String, _ remedy: String) -> DataError {
            DataError(
                .configuration, file: "options", record: record, expected: expected, found: found, remedy: remedy)
        }
        try backbone.demand(side: side)
        guard train.info.classes == dataset.info.classes, train.reducesZeroLabel == dataset.reducesZeroLabel else {
            throw refuse(
                "train split", "the \(dataset.info.classes.count) classes of the scored split",
                "\(train.info.classes.count) others", "use splits of one data set")
        }
        try HeldOutSplit.demand(
            pictures: train.count,
            candidates: kind.candidates(options, pictures: train.count, seed: seed).count)
    }

    private func trainingSet(
        _ backbone: VisionTransformer, _ train: SegmentationFolder, _ onImage: (Int) -> Void, _ shouldStop: () -> Bool
    ) throws -> (ProbeSet, inputs: Int) {
        let ignore = train.info.ignoreLabel ?? 255
        let request = try kind.request(depth: backbone.depth, layers: options.layers)
        let (pictures, views, inputs) = (train.count, views, train.count * views.perPicture)
        let patches = (side / backbone.patchSize) * (side / backbone.patchSize)
        // Kept in files, a shard is all that memory holds.
        try ProbeMemory.check(
            patches: patches * (options.featureFolder == nil ? inputs : min(inputs, FeatureShards.shardSize)),
            width: request.width(of: backbone))
        let shards = try FeatureShards(
            count: inputs, folder: options.featureFolder,
            key: { try key(train, request, views: "\(views.words), seed \(views.drawn > 0 ? seed : 0)") }
        ) { range in
            let seen = try ParallelMap.map(range.count) { place in
                let input = range.lowerBound + place
                let picture = try train.sample(at: input % pictures).picture
                return framing(ImageSize(height: picture.height, width: picture.width), input).picture(
                    picture, filter: kind.filter)
            }
            return request.features(of: seen, backbone)
        }
        let store = try TokenStore(shards, onInput: onImage, shouldStop: shouldStop)
        let set = ProbeSet(
            store: store, inputs: Array(0..<inputs), grid: (side / backbone.patchSize, side / backbone.patchSize),
            side: side, classCount: train.info.classes.count, ignoreLabel: ignore
        ) { input in
            let labels = try train.labels(at: input % pictures)
            return framing(ImageSize(height: labels.height, width: labels.width), input).labels(labels, fill: ignore)
        }
        return (set, inputs)
    }

    private func testShards(_ backbone: VisionTransformer, _ dataset: SegmentationFolder) throws -> FeatureShards {
        let request = try kind.request(depth: backbone.depth, layers: options.layers)
        return try FeatureShards(
            count: dataset.count, folder: options.featureFolder,
            key: { try key(dataset, request, views: ProbeViews(side: side).words) }
        ) { range in
            let seen = try ParallelMap.map(range.count) { place in
                let picture = try dataset.picture(at: range.lowerBound + place)
                return squeezed(ImageSize(height: picture.height, width: picture.width)).picture(
                    picture, filter: kind.filter)
            }
            return request.features(of: seen, backbone)
        }
    }

    private func squeezed(_ size: ImageSize) -> Framing {
        Framing(of: size, squeezedTo: ImageSize(height: side, width: side))
    }

    private func framing(_ size: ImageSize, _ input: Int) -> Framing {
        views.framing(of: size, input: input, test: squeezed(size))
    }

    private func key(
        _ dataset: SegmentationFolder, _ request: FeatureRequest, views: String
    ) throws(DataError) -> String {
        "checkpoint \(checkpointWords); data \(try dataset.contentHash()); squeezed to \(side), \(kind.filter); "
            + "blocks \(request.blocks), \(request.pooling.rawValue); \(views)"
    }
}
