import Autograd
import DenseData
import DenseHeads
import Geometry
import NeuralLayers
import TensorCore
import VisionBackbones

/// A recipe's training with nothing but its sizes: blank pictures and labels stand for the data.
struct BlankTraining {
    var tuning: FineTuning
    /// Side of the pictures that the network sees.
    var side: Int
    /// All values of the model, and those that change.
    var parameters: Int
    var trainedParameters: Int
    var protocolEntries: [(String, String)]
    var cost: HeadTrainingCost
}

extension HeadTraining {
    /// Objects of a blank detection picture: COCO's mean.
    private static let objects = 7

    /// Measures a recipe's steps; the recipe's keys are all read afterwards.
    func blank(
        _ reader: RecipeReader, _ backbone: VisionTransformer, classCount: Int, seed: UInt64, timedSeconds: Double
    ) throws -> BlankTraining {
        switch task {
        case .segment:
            let settings = try SegmentationSettings(reader, seed: seed)
            try reader.assertAllKeysRead()
            let model = try SegmentationTrainer(settings).model(on: backbone, classCount: classCount)
            let size = ImageSize(height: settings.cropSize, width: settings.cropSize)
            let target = SemanticLabels(size: size, labels: [Int32](repeating: 0, count: size.pixelCount))
            return blank(model, settings.tuning, side: size.width, settings.protocolEntries, timedSeconds) {
                images, forward in
                model.loss(
                    images, Array(repeating: target, count: images.shape[0]),
                    auxiliaryWeight: settings.auxiliaryWeight, frozen: settings.tuning.freezesBackbone, forward)
            }
        case .detect:
            let settings = try DetectionSettings(reader, seed: seed)
            try reader.assertAllKeysRead()
            let model = try DetectionTrainer(settings).model(
                on: backbone, categoryIDs: (0..<classCount).map { Int64($0 + 1) })
            let target = Self.blankObjects(side: model.architecture.size)
            return blank(model, settings.tuning, side: model.architecture.size, settings.protocolEntries, timedSeconds)
            {
                images, forward in
                model.loss(
                    images, Array(repeating: target, count: images.shape[0]),
                    frozen: settings.tuning.freezesBackbone, forward)
            }
        case .classify:
            let settings = try ClassificationSettings(reader, seed: seed)
            try reader.assertAllKeysRead()
            let model = try ClassificationTrainer(settings).model(on: backbone, classCount: classCount)
            return blank(model, settings.tuning, side: model.architecture.size, settings.protocolEntries, timedSeconds)
            {
                images, forward in
                model.loss(
                    images, [Int32](repeating: 0, count: images.shape[0]), frozen: settings.tuning.freezesBackbone,
                    forward)
            }
        }
    }

    private func blank(
        _ model: some HeadedModel, _ tuning: FineTuning, side: Int, _ protocolEntries: [(String, String)],
        _ timedSeconds: Double, loss: (Variable, Forward) -> [LossTerm]
    ) -> BlankTraining {
        if tuning.freezesBackbone { model.backbone.freeze() }
        let all = model.parameters.reduce(0) { $0 + $1.value.count }
        let cost = HeadTrainingCost.measure(
            model, depth: model.backbone.depth, tuning, timedSeconds: timedSeconds
        ) { pictures, forward in
            loss(Variable(Tensor.full([pictures, side, side, 3], 0.5)), forward)
        }
        return BlankTraining(
            tuning: tuning, side: side, parameters: all, trainedParameters: model.parameterCount,
            protocolEntries: protocolEntries, cost: cost)
    }

    /// Boxes along the diagonal, each a quarter of the side.
    private static func blankObjects(side: Int) -> DetectionTarget {
        let size = ImageSize(height: side, width: side)
        let instances = (0..<objects).map { number in
            let start = Double(side) * 0.75 * Double(number) / Double(objects)
            let end = start + Double(side) / 4
            return DetectionTarget.Instance(
                box: Box(x0: start, y0: start, x1: end, y1: end), label: 0,
                mask: .polygons([Polygon([start, start, end, start, end, end, start, end])]))
        }
        return DetectionTarget(size: size, instances: instances)
    }
}
