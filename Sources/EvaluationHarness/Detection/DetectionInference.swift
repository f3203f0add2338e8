import Annotations
import Autograd
import Communication
import DenseData
import DenseHeads
import Determinism
import Geometry
import ImageFiles
import NeuralLayers
import SafeFiles

/// Predicts objects and writes them as a COCO results file.
public struct DetectionInference {
    /// Pictures that run together. Changes no prediction beyond rounding.
    public var batchSize = 8
    /// Pixels a side (``DetectionArchitecture/shown(at:patchSize:)``); the model's own unless given.
    public var size: Int?

    public init(size: Int? = nil) { self.size = size }

    /// Writes a box, a mask, a score and the data set's category id for each object found, batch by batch; the file
    /// appears whole or not at all.
    ///
    /// - Parameters:
    ///   - onImage: called after each batch with the number of pictures done.
    ///   - shouldStop: asked before each batch.
    ///   - group: the ranks that share the pictures; the leader writes the file.
    ///   - kept: batches of an evaluation that was stopped; nil predicts every picture.
    /// - Returns: the number of objects written.
    /// - Throws: `DataError`; `TrainingInterrupted` when asked to stop.
    @discardableResult
    public func predict(
        _ model: DetectionModel, dataset: DetectionDataset, to file: String, onImage: (Int) -> Void = { _ in },
        shouldStop: () -> Bool = { false }, group: any Communicator = SingleProcess(), kept: KeptBatches? = nil
    ) throws -> Int {
        try Self.check(model, dataset)
        let output = group.isLeader ? try GrowingFile(file) : nil
        var count = 0
        try DealtBatches(count: dataset.count, batchSize: batchSize, group: group, kept: kept).run { done in
            if shouldStop() { throw TrainingInterrupted(completedSteps: done) }
        } work: { range in
            try results(model, dataset, range).map { Array($0.json.text().utf8) }
        } take: { range, objects in
            for object in objects {
                try output?.append((count == 0 ? "[" : ",\n") + String(decoding: object, as: UTF8.self))
                count += 1
            }
            onImage(range.upperBound)
        }
        try output?.append(count == 0 ? "[]\n" : "]\n")
        try output?.finish()
        return count
    }

    private func results(
        _ model: DetectionModel, _ dataset: DetectionDataset, _ range: Range<Int>
    ) throws -> [DetectionResult] {
        let architecture = model.architecture(shownAt: size)
        let views = try ParallelMap.map(range.count) { place in
            let sample = try dataset.sample(at: range.lowerBound + place)
            let size = ImageSize(height: sample.picture.height, width: sample.picture.width)
            let framing = architecture.framing(of: size)
            return (
                id: sample.imageID, picture: framing.picture(sample.picture, filter: .bilinearAntialiased),
                frame: PictureFrame(content: framing.resized, output: size)
            )
        }
        let images = Normalisation.imageNet.batch(
            views.map(\.picture), contents: views.map { ($0.frame.content.height, $0.frame.content.width) })
        let found = model.predict(Variable(images), frames: views.map(\.frame))
        return zip(views, found).flatMap { view, detections in
            detections.instances.map { instance in
                var result = DetectionResult(
                    imageID: view.id, categoryID: model.architecture.categoryIDs[instance.label],
                    score: Double(instance.score))
                result.box = instance.box.cocoBox
                result.segmentation = .rle(instance.mask)
                return result
            }
        }
    }

    /// - Throws: `.configuration` for a model of other categories than the data set's.
    static func check(_ model: DetectionModel, _ dataset: DetectionDataset) throws(DataError) {
        guard model.architecture.categoryIDs == dataset.categoryIDs else {
            throw DataError(
                .configuration, file: dataset.annotationFile, record: "categories",
                expected: "the model's \(model.architecture.classCount) category ids",
                found: "\(dataset.categoryIDs.count) others", remedy: "use the data set the model was trained for")
        }
    }
}
