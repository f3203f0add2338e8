import DenseData
import DenseMetrics
import Geometry
import ImageFiles
import NeuralLayers
import Reporting

/// Weighted nearest-neighbour accuracy of a frozen backbone.
public struct NeighbourEvaluation {
    /// What stands for a picture.
    public enum Feature: String, Sendable, CaseIterable {
        case classToken = "class-token"
        case meanToken = "mean-token"
        /// Both, side by side.
        case concatenated
    }

    public struct Outcome: Sendable {
        /// Top-1 accuracy with its standard error and interval.
        public var metric: MetricValue
        /// One a validation picture: paired comparisons between backbones need them.
        public var correct: [Bool]
        /// One a validation picture; `nil` where nothing may vote.
        public var predictions: [Int?]
    }

    /// - Parameters:
    ///   - train: the pictures that vote.
    ///   - val: the pictures that are classified; the same classes.
    ///   - size: the side pictures are shown at: short side, then the middle square.
    /// - Throws: `DataError` for pictures that cannot be read or other classes in `val`.
    public static func run(
        _ backbone: some TokenBackbone, train: ClassFolder, val: ClassFolder, size: Int, k: Int = 20,
        temperature: Double = 0.07, feature: Feature = .classToken, onImage: (Int) -> Void = { _ in },
        shouldStop: () -> Bool = { false }
    ) throws -> Outcome {
        try ClassificationInference.check(train.info.classes, val.info, modelName: "the training split")
        let bank = try features(backbone, train, size, feature, before: 0, onImage, shouldStop)
        let queries = try features(backbone, val, size, feature, before: train.count, onImage, shouldStop)
        let width = feature == .concatenated ? 2 * backbone.width : backbone.width
        let votes = NeighbourVotes(
            bank: bank, labels: (0..<train.count).map(train.label), width: width, classCount: train.info.classes.count,
            neighbourCount: k, temperature: temperature)
        let predictions = votes.predictions(queries: queries)
        let labels = (0..<val.count).map(val.label)
        return Outcome(
            metric: TopOneAccuracy.metric(name: "knn_top1", predictions: predictions, labels: labels),
            correct: zip(predictions, labels).map { $0 == $1 }, predictions: predictions)
    }

    /// `(N, D)` row by row, in pieces so that patch tokens of all pictures are never held at once.
    private static func features(
        _ backbone: some TokenBackbone, _ dataset: ClassFolder, _ size: Int, _ feature: Feature, before: Int,
        _ onImage: (Int) -> Void, _ shouldStop: () -> Bool
    ) throws -> [Float] {
        var rows: [Float] = []
        for start in stride(from: 0, to: dataset.count, by: 64) {
            if shouldStop() { throw TrainingInterrupted(completedSteps: start) }
            let range = start..<min(start + 64, dataset.count)
            let pictures = try ClassificationInference.pictures(dataset, range, size: size)
            let tokens = FrozenFeatures(backbone, pictures)
            switch feature {
            case .classToken: rows += tokens.classTokens.floats()
            case .meanToken: rows += tokens.meanTokens.floats()
            case .concatenated:
                let (first, second) = (tokens.classTokens.floats(), tokens.meanTokens.floats())
                for n in range.indices {
                    let row = (n - start) * backbone.width..<(n - start + 1) * backbone.width
                    rows += first[row] + second[row]
                }
            }
            onImage(before + range.upperBound)
        }
        return rows
    }
}
