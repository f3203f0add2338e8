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
    /// Pixels a side; the model's own unless given.
    public var size: Int?

    public init(size: Int? = nil) { self.size = size }

    /// The classes of each picture, the likeliest first, in data-set order; on every rank of the group that shares the
    /// pictures.
    ///
    /// - Parameter kept: batches of an evaluation that was stopped; nil predicts every picture.
    public func predict(
        _ model: ClassificationModel, dataset: any ClassificationLoader, onImage: (Int) -> Void = { _ in },
        shouldStop: () -> Bool = { false }, group: any Communicator = SingleProcess(), kept: KeptBatches? = nil
    ) throws -> [[Int]] {
        guard model.architecture.classCount == dataset.info.classes.count else {
            throw DataError(
                .configuration, file: dataset.info.name,
                expected: "the model's \(model.architecture.classCount) classes",
                found: "\(dataset.info.classes.count)", remedy: "use the data set the model was trained for")
        }
        var rankings: [[Int]] = []
        try DealtBatches(count: dataset.count, batchSize: batchSize, group: group, kept: kept).run { done in
            if shouldStop() { throw TrainingInterrupted(completedSteps: done) }
        } work: { range in
            let pictures = try Self.pictures(dataset, range, size: size ?? model.architecture.size)
            return model.rankings(Variable(Normalisation.imageNet.batch(pictures))).map { classes in
                Array(classes.map(String.init).joined(separator: ",").utf8)
            }
        } take: { _, found in
            rankings += found.map { String(decoding: $0, as: UTF8.self).split(separator: ",").map { Int($0)! } }
            onImage(rankings.count)
        }
        return rankings
    }

    /// Pictures at the test size.
    static func pictures(_ dataset: any ClassificationLoader, _ range: Range<Int>, size: Int) throws -> [Picture] {
        try ParallelMap.map(range.count) { place in
            let picture = try dataset.sample(at: range.lowerBound + place).picture
            return Framing(
                of: ImageSize(height: picture.height, width: picture.width), shortSide: size, centreCrop: size
            ).picture(picture, filter: .bicubicAntialiased)
        }
    }

    /// - Throws: `.malformed` where there is nothing to tell apart: every answer would be right.
    static func demandSeveralClasses(_ info: DatasetInfo) throws(DataError) {
        guard info.classes.count > 1 else {
            throw DataError(
                .malformed, file: "\(info.name) \(info.split)", record: "classes", expected: "at least two classes",
                found: "\(info.classes.count): " + info.classes.joined(separator: ", "),
                remedy: "check the data set's root and split: each class is a folder, or a number in shards")
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
