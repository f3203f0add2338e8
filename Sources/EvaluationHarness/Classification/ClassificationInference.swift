import Autograd
import Communication
import DenseData
import DenseMetrics
import Determinism
import Geometry
import ImageFiles
import NeuralLayers
import Reporting
import SafeFiles

/// Classifies pictures at one size: short side, then the middle square.
public struct ClassificationInference {
    public var batchSize = 64

    public init() {}

    /// The winning class of each picture, in data-set order; on every rank of the group that shares the pictures.
    public func predict(
        _ model: ClassificationModel, dataset: ClassFolder, onImage: (Int) -> Void = { _ in },
        shouldStop: () -> Bool = { false }, group: any Communicator = SingleProcess()
    ) throws -> [Int] {
        guard model.architecture.classCount == dataset.info.classes.count else {
            throw DataError(
                .configuration, file: dataset.info.name,
                expected: "the model's \(model.architecture.classCount) classes",
                found: "\(dataset.info.classes.count)", remedy: "use the data set the model was trained for")
        }
        var labels: [Int] = []
        try DealtBatches(count: dataset.count, batchSize: batchSize, group: group).run { done in
            if shouldStop() { throw TrainingInterrupted(completedSteps: done) }
        } work: { range in
            let pictures = try Self.pictures(dataset, range, size: model.architecture.size)
            return model.predict(Variable(Normalisation.imageNet.batch(pictures))).map { Array("\($0)".utf8) }
        } take: { _, found in
            labels += found.map { Int(String(decoding: $0, as: UTF8.self))! }
            onImage(labels.count)
        }
        return labels
    }

    /// Pictures at the test size.
    static func pictures(_ dataset: ClassFolder, _ range: Range<Int>, size: Int) throws -> [Picture] {
        try ParallelMap.map(range.count) { place in
            let picture = try dataset.sample(at: range.lowerBound + place).picture
            return Framing(
                of: ImageSize(height: picture.height, width: picture.width), shortSide: size, centreCrop: size
            ).picture(picture, filter: .bicubicAntialiased)
        }
    }

    /// - Throws: `.configuration` when `info` has other classes.
    static func check(_ classes: [String], _ info: DatasetInfo, modelName: String) throws(DataError) {
        guard classes == info.classes else {
            throw DataError(
                .configuration, file: "\(info.name) \(info.split)",
                expected: "the \(classes.count) classes of \(modelName)", found: "\(info.classes.count) others",
                remedy: "use splits of one data set")
        }
    }
}
