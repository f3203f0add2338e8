import Autograd
import Determinism
import Geometry
import NeuralLayers
import TensorCore

/// The second stage: classifies proposals, corrects their boxes and draws their masks; or the stages of a cascade, each
/// working on the boxes that the one before it corrected.
///
/// - Source: He et al. 2017, arXiv:1703.06870; detectron2's `StandardROIHeads` and `fast_rcnn.py`, `mask_head.py`;
///   mmdetection's `CascadeRoIHead`.
final class RegionHeads: Layer {
    let configuration: MaskRCNNConfiguration
    let pooling: RegionPooling
    private let boxHeads: [BoxHead]
    private let predictors: [BoxPredictor]
    private let maskHeads: [MaskHead]

    init(_ configuration: MaskRCNNConfiguration, _ stream: inout RandomStream) {
        self.configuration = configuration
        pooling = RegionPooling(configuration)
        var (boxHeads, predictors, maskHeads) = ([BoxHead](), [BoxPredictor](), [MaskHead]())
        for _ in configuration.stages {
            boxHeads.append(BoxHead(configuration, &stream))
            predictors.append(
                BoxPredictor(inputs: configuration.boxLinearWidth, classCount: configuration.classCount, &stream))
            maskHeads.append(MaskHead(configuration, &stream))
        }
        (self.boxHeads, self.predictors, self.maskHeads) = (boxHeads, predictors, maskHeads)
    }

    var stageCount: Int { boxHeads.count }
    private var onlyBoxHead: BoxHead? { stageCount == 1 ? boxHeads[0] : nil }
    private var onlyPredictor: BoxPredictor? { stageCount == 1 ? predictors[0] : nil }
    private var onlyMaskHead: MaskHead? { stageCount == 1 ? maskHeads[0] : nil }
    private var cascadeBoxHeads: [BoxHead] { stageCount == 1 ? [] : boxHeads }
    private var cascadePredictors: [BoxPredictor] { stageCount == 1 ? [] : predictors }
    private var cascadeMaskHeads: [MaskHead] { stageCount == 1 ? [] : maskHeads }

    static var slots: [Slot<RegionHeads>] {
        [
            .layer("box_head", \.onlyBoxHead), .layer("box_predictor", \.onlyPredictor),
            .layer("mask_head", \.onlyMaskHead), .layers("box_head", \.cascadeBoxHeads),
            .layers("box_predictor", \.cascadePredictors), .layers("mask_head", \.cascadeMaskHeads),
        ]
    }

    typealias Outputs = (logits: Variable, deltas: Variable)

    /// Class logits `(R, K + 1)` and corrections `(R, 4K)`.
    func boxes(_ maps: FeatureMaps, _ regions: [(picture: Int, box: Box)], stage: Int, _ forward: Forward) -> Outputs {
        let pooled = pooling(maps, regions, size: configuration.boxPoolSize)
        return predictors[stage](boxHeads[stage](pooled, forward), forward)
    }

    /// Mask logits `(R, 4·P·P)` of each region's class.
    func masks(
        _ maps: FeatureMaps, _ regions: [(picture: Int, box: Box)], labels: [Int], stage: Int, _ forward: Forward
    ) -> Variable {
        maskHeads[stage](pooling(maps, regions, size: configuration.maskPoolSize), labels: labels, forward)
    }

    /// The boxes that corrections of one class each lead to, within their pictures.
    ///
    /// - Parameter classes: whose correction is meant, one a region.
    func refined(
        _ regions: [(picture: Int, box: Box)], _ outputs: Outputs, classes: [Int], contents: [ImageSize], stage: Int
    ) -> [(picture: Int, box: Box)] {
        let (deltas, coder) = (TensorValues(outputs.deltas.value), configuration.stages[stage].coder)
        return regions.indices.map { row in
            let (picture, box) = regions[row]
            let best = deltas.quadruple(at: 4 * (row * configuration.classCount + classes[row]))
            return (picture, coder.decode(best, from: box).clipped(to: contents[picture]))
        }
    }

    /// The most probable class of each region, background apart.
    func bestClasses(_ logits: Variable) -> [Int] {
        let values = TensorValues(logits.value)
        let (rows, columns) = (logits.shape[0], logits.shape[1])
        return (0..<rows).map { row in
            (0..<columns - 1).max { values[row * columns + $0] < values[row * columns + $1] } ?? 0
        }
    }
}
