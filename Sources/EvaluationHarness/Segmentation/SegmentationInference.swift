import Autograd
import DenseData
import DenseHeads
import Determinism
import Geometry
import ImageFiles
import NeuralLayers
import SafeFiles

/// Predicts label maps and writes them as index PNGs, coded like the data set's label files.
public struct SegmentationInference {
    /// The short side that pictures are resized to; 0 keeps their size. `nil`: the model's own.
    public var shortSide: Int?
    /// Windows that the picture is cut into; `nil`: it is seen whole.
    public var windows: WindowGrid?
    /// Pictures (or windows) of equal size that run together. Changes no prediction beyond rounding.
    public var batchSize = 16

    public init(shortSide: Int? = nil, windows: WindowGrid? = nil) {
        self.shortSide = shortSide
        self.windows = windows
    }

    /// Writes one `<stem>.png` a picture into `folder`, which is created.
    ///
    /// Files appear whole or not at all. Stored values are the label files': class + 1 where 0 means "other" (ADE20K),
    /// else
    /// the class; 8 bits where they fit, else 16.
    ///
    /// - Parameters:
    ///   - onImage: called after each picture with the number done.
    ///   - shouldStop: asked before each batch.
    /// - Returns: the names of the files written, in data-set order.
    /// - Throws: `DataError`; `TrainingInterrupted` when asked to stop.
    @discardableResult
    public func predict(
        _ model: SegmentationModel, dataset: SegmentationFolder, to folder: String,
        onImage: (Int) -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> [String] {
        try Folder.create(folder)
        let patch = model.backbone.patchSize
        let offset: UInt16 = dataset.reducesZeroLabel ? 1 : 0
        let bitDepth = model.architecture.classCount + Int(offset) <= 256 ? 8 : 16
        var written: [String] = []
        for start in stride(from: 0, to: dataset.count, by: batchSize) {
            if shouldStop() { throw TrainingInterrupted(completedSteps: start) }
            let range = start..<min(start + batchSize, dataset.count)
            let views = try ParallelMap.map(range.count) { place in
                let picture = try dataset.picture(at: start + place)
                let size = ImageSize(height: picture.height, width: picture.width)
                let framing = framing(
                    of: size, shortSide: shortSide ?? model.architecture.shortSide, divisor: windows == nil ? patch : 1)
                return (
                    picture: framing.picture(picture, filter: .bilinearAntialiased), output: framing.output,
                    frame: PictureFrame(content: framing.resized, output: size)
                )
            }
            var labels = [SemanticLabels?](repeating: nil, count: views.count)
            if let windows {
                let sliding = SlidingInference(grid: windows, batchSize: batchSize)
                for (place, view) in views.enumerated() {
                    if shouldStop() { throw TrainingInterrupted(completedSteps: start) }
                    labels[place] = sliding.labels(model, view.picture, output: view.frame.output)
                }
            }
            for group in windows == nil ? Self.groups(views.map(\.output)) : [] {
                let images = Normalisation.imageNet.batch(
                    group.map { views[$0].picture },
                    contents: group.map { (views[$0].frame.content.height, views[$0].frame.content.width) })
                let found = model.predict(Variable(images), frames: group.map { views[$0].frame })
                for (place, map) in zip(group, found) { labels[place] = map }
            }
            let names = range.map { Self.fileName(dataset.name(at: $0)) }
            _ = try ParallelMap.map(views.count) { place in
                guard let map = labels[place] else { return }
                let image = LabelImage(
                    height: map.size.height, width: map.size.width, values: map.labels.map { UInt16($0) + offset })
                try AtomicFile.write(
                    PNGFile.encode(image, bitDepth: bitDepth), to: "\(folder)/\(names[place])", durability: .renamed)
            }
            written += names
            onImage(written.count)
        }
        Folder.synchronizeDisks()
        return written
    }

    /// The prediction's file name: the picture's stem with `.png`.
    static func fileName(_ picture: String) -> String {
        guard let dot = picture.lastIndex(of: ".") else { return picture + ".png" }
        return picture[..<dot] + ".png"
    }

    /// Short side to `shortSide`, padded right and bottom to whole patches.
    private func framing(of size: ImageSize, shortSide: Int, divisor: Int) -> Framing {
        let scale = shortSide == 0 ? 1 : Double(shortSide) / Double(min(size.height, size.width))
        let resized = ImageSize(
            height: max(1, Int(Double(size.height) * scale + 0.5)),
            width: max(1, Int(Double(size.width) * scale + 0.5)))
        func padded(_ n: Int) -> Int { (n + divisor - 1) / divisor * divisor }
        return Framing(
            source: Window(height: size.height, width: size.width), resized: resized,
            crop: Window(height: resized.height, width: resized.width),
            output: ImageSize(height: padded(resized.height), width: padded(resized.width)))
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
