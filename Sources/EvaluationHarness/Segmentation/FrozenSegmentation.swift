import DenseData
import Determinism
import Geometry
import ImageFiles
import NeuralLayers
import SafeFiles

/// A linear probe of frozen patch tokens whose predictions go to index PNGs, as a trained model's do.
struct FrozenSegmentation {
    var probe: PatchProbe
    /// Pictures and training labels are squeezed to this side, a multiple of the patch.
    var side: Int

    func predict(
        _ backbone: some TokenBackbone, train: SegmentationFolder, dataset: SegmentationFolder, to folder: String,
        onImage: (Int) -> Void, shouldStop: () -> Bool
    ) throws {
        guard side > 0, side % backbone.patchSize == 0 else {
            throw DataError(
                .configuration, file: "options", record: "size",
                expected: "a multiple of the patch size \(backbone.patchSize)", found: "\(side)",
                remedy: "choose another size")
        }
        try Folder.create(folder)
        let ignore = dataset.info.ignoreLabel ?? 255
        let samples = try ParallelMap.map(train.count) { index in
            let sample = try train.sample(at: index)
            let framing = squeezed(sample.picture)
            return (
                picture: framing.picture(sample.picture, filter: .bilinearAntialiased),
                labels: framing.labels(sample.labels, fill: ignore)
            )
        }
        if shouldStop() { throw TrainingInterrupted(completedSteps: 0) }
        let learned = FrozenFeatures(backbone, samples.map(\.picture))
        onImage(train.count)
        let pictures = try ParallelMap.map(dataset.count) { try dataset.picture(at: $0) }
        let views = pictures.map { squeezed($0).picture($0, filter: .bilinearAntialiased) }
        if shouldStop() { throw TrainingInterrupted(completedSteps: train.count) }
        let maps = probe.predictions(
            train: learned, labels: samples.map(\.labels), test: FrozenFeatures(backbone, views),
            classCount: dataset.info.classes.count, ignore: ignore, size: (side, side))
        let offset: UInt16 = dataset.reducesZeroLabel ? 1 : 0
        let bitDepth = dataset.info.classes.count + Int(offset) <= 256 ? 8 : 16
        _ = try ParallelMap.map(dataset.count) { index in
            var map = Resize.labels(maps[index], to: (pictures[index].height, pictures[index].width))
            for pixel in map.values.indices { map.values[pixel] += offset }
            try AtomicFile.write(
                PNGFile.encode(map, bitDepth: bitDepth),
                to: "\(folder)/\(SegmentationInference.fileName(dataset.name(at: index)))", durability: .renamed)
        }
        Folder.synchronizeDisks()
        onImage(train.count + dataset.count)
    }

    private func squeezed(_ picture: Picture) -> Framing {
        Framing(
            of: ImageSize(height: picture.height, width: picture.width),
            squeezedTo: ImageSize(height: side, width: side))
    }
}
