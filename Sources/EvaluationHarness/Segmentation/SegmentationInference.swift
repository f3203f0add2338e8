import Autograd
import Communication
import DenseData
import DenseHeads
import Determinism
import Geometry
import ImageFiles
import NeuralLayers
import SafeFiles

/// Predicts label maps and writes them as index PNGs, coded like the data set's label files.
public struct SegmentationInference {
    /// The short side that pictures are resized to, the long side at most four times that; 0 keeps their size. `nil`: the
    /// model's own.
    public var shortSide: Int?
    /// Windows that the picture is cut into; `nil`: it is seen whole.
    public var windows: WindowGrid?
    /// `nil`: one view of each picture, whose largest logits win.
    public var augmentation: SegmentationAugmentation?
    /// Pictures (or windows) of equal size that run together. Changes no prediction beyond rounding.
    public var batchSize = 16

    public init(
        shortSide: Int? = nil, windows: WindowGrid? = nil, augmentation: SegmentationAugmentation? = nil
    ) {
        self.shortSide = shortSide
        self.windows = windows
        self.augmentation = augmentation
    }

    /// Writes one `<stem>.png` a picture into `folder`, which is created.
    ///
    /// - Parameters:
    ///   - onImage: called after each picture with the number done.
    ///   - shouldStop: asked before each batch.
    ///   - group: the ranks that share the pictures; the leader writes them all.
    ///   - kept: batches of an evaluation that was stopped; nil predicts every picture.
    /// - Returns: the names of the files written, in data-set order.
    /// - Throws: `DataError`; `TrainingInterrupted` when asked to stop.
    @discardableResult
    public func predict(
        _ model: SegmentationModel, dataset: SegmentationFolder, to folder: String,
        onImage: (Int) -> Void = { _ in }, shouldStop: () -> Bool = { false },
        group: any Communicator = SingleProcess(), kept: KeptBatches? = nil
    ) throws -> [String] {
        let writer = try LabelMapWriter(
            folder, dataset: dataset, classCount: model.architecture.classCount, isReal: group.isLeader)
        var written: [String] = []
        func check(_ done: Int) throws(TrainingInterrupted) {
            if shouldStop() { throw TrainingInterrupted(completedSteps: done) }
        }
        try DealtBatches(count: dataset.count, batchSize: batchSize, group: group, kept: kept).run(beforeRound: check) {
            range in
            let labels: [SemanticLabels]
            if windows == nil && augmentation == nil {
                labels = try wholePictures(model, dataset, range)
            } else {
                labels = try range.map { index in
                    // Several ranks are asked together, before a round.
                    if group.size == 1 { try check(range.lowerBound) }
                    return self.labels(model, try dataset.picture(at: index))
                }
            }
            return ParallelMap.map(labels.count) { place in
                let map = labels[place]
                return writer.encoded(
                    LabelImage(height: map.size.height, width: map.size.width, values: map.labels.map { UInt16($0) }))
            }
        } take: { range, files in
            let names = range.map { dataset.name(at: $0) }
            written +=
                group.isLeader
                ? try ParallelMap.map(files.count) { try writer.write(files[$0], of: names[$0]) }
                : names.map(Self.fileName)
            onImage(written.count)
        }
        if group.isLeader { Folder.synchronizeDisks() }
        return written
    }

    /// One view of each picture; pictures of one size run together.
    private func wholePictures(
        _ model: SegmentationModel, _ dataset: SegmentationFolder, _ range: Range<Int>
    ) throws -> [SemanticLabels] {
        let views = try ParallelMap.map(range.count) { place in
            let picture = try dataset.picture(at: range.lowerBound + place)
            let size = ImageSize(height: picture.height, width: picture.width)
            var framing = Self.framing(of: size, shortSide: shortSide ?? model.architecture.shortSide)
            framing.output = model.inputSize(of: framing.resized)
            return (
                picture: framing.picture(picture, filter: .bilinearAntialiased), output: framing.output,
                frame: PictureFrame(content: framing.resized, output: size)
            )
        }
        var labels = [SemanticLabels?](repeating: nil, count: views.count)
        for group in Self.groups(views.map(\.output)) {
            let images = Normalisation.imageNet.batch(
                group.map { views[$0].picture },
                contents: group.map { (views[$0].frame.content.height, views[$0].frame.content.width) })
            let found = model.predict(Variable(images), frames: group.map { views[$0].frame })
            for (place, map) in zip(group, found) { labels[place] = map }
        }
        return labels.map { $0! }
    }

    /// A picture in windows, or in several views.
    private func labels(_ model: SegmentationModel, _ picture: Picture) -> SemanticLabels {
        let size = ImageSize(height: picture.height, width: picture.width)
        let side = shortSide ?? model.architecture.shortSide
        var sliding = SlidingInference(grid: windows, batchSize: batchSize)
        guard let augmentation else {
            let view = Self.framing(of: size, shortSide: side)
            return SemanticLabels(
                largestOf: sliding.values(model, view.picture(picture, filter: .bilinearAntialiased), output: size))
        }
        sliding.softmaxFirst = augmentation.softmaxBeforeResize
        let mean = ProbabilityMean(size: size, classCount: model.architecture.classCount)
        let shown = side == 0 ? min(size.height, size.width) : side
        for scale in augmentation.scales {
            let view = Self.framing(of: size, shortSide: max(1, Int(Double(shown) * scale + 0.5)))
            for isMirrored in augmentation.flips ? [false, true] : [false] {
                let seen = view.mirrored(isMirrored).picture(picture, filter: .bilinearAntialiased)
                let values = sliding.values(model, seen, output: size)
                mean.add(augmentation.softmaxBeforeResize ? values : values.softmax(), isMirrored: isMirrored)
            }
        }
        return mean.labels
    }

    /// The prediction's file name: the picture's stem with `.png`.
    static func fileName(_ picture: String) -> String {
        guard let dot = picture.lastIndex(of: ".") else { return picture + ".png" }
        return picture[..<dot] + ".png"
    }

    /// Short side to `shortSide`, or less where the long side would pass four times that.
    ///
    /// - Source: mmsegmentation's `Resize` into (2048, 512).
    static func framing(of size: ImageSize, shortSide: Int) -> Framing {
        let resized =
            shortSide == 0 ? size : size.scaled(by: size.scale(shortSide: shortSide, longSide: 4 * shortSide))
        return Framing(
            source: Window(height: size.height, width: size.width), resized: resized,
            crop: Window(height: resized.height, width: resized.width), output: resized)
    }

    /// Places of equal size, in order of first appearance.
    private static func groups(_ sizes: [ImageSize]) -> [[Int]] {
        var groups: [(size: ImageSize, places: [Int])] = []
        for (place, size) in sizes.enumerated() {
            if let at = groups.firstIndex(where: { $0.size == size }) {
                groups[at].places.append(place)
            } else {
                groups.append((size, [place]))
            }
        }
        return groups.map(\.places)
    }
}
