import Autograd
import Determinism
import Geometry
import NeuralLayers
import TensorCore

/// The second stage: classifies proposals, corrects their boxes and draws their masks.
///
/// - Source: He et al. 2017, arXiv:1703.06870; detectron2's `StandardROIHeads` and `fast_rcnn.py`, `mask_head.py`.
final class RegionHeads: Layer {
    private let configuration: MaskRCNNConfiguration
    private let levels: LevelAssignment
    private let boxHead: BoxHead
    private let boxPredictor: BoxPredictor
    private let maskHead: MaskHead

    init(_ configuration: MaskRCNNConfiguration, _ stream: inout RandomStream) {
        self.configuration = configuration
        let exponents = configuration.strides.map(\.trailingZeroBitCount)
        levels = LevelAssignment(
            levels: exponents[0]...exponents[exponents.count - 1], canonicalSize: configuration.canonicalSize)
        boxHead = BoxHead(configuration, &stream)
        boxPredictor = BoxPredictor(
            inputs: configuration.boxLinearWidth, classCount: configuration.classCount, &stream)
        maskHead = MaskHead(configuration, &stream)
    }

    static var slots: [Slot<RegionHeads>] {
        [.layer("box_head", \.boxHead), .layer("box_predictor", \.boxPredictor), .layer("mask_head", \.maskHead)]
    }

    /// Terms `roi_class` (mean over regions), `roi_box` (foreground, divided by all regions) and `roi_mask` (mean over the
    /// foreground's cells).
    func loss(_ maps: FeatureMaps, _ samples: RegionSamples, _ forward: Forward) -> [LossTerm] {
        let regions = samples.regions
        let dtype = maps.maps[0].map.value.dtype
        if regions.isEmpty {
            return ["roi_class", "roi_box", "roi_mask"].map { LossTerm(name: $0, value: Variable(.zeros([], dtype))) }
        }
        let rois = regions.map { roi($0.picture, $0.box) }
        let (logits, deltas) = boxPredictor(
            boxHead(pool(maps, rois, size: configuration.boxPoolSize), forward), forward)
        let foreground = samples.foreground
        var (rows, targets) = ([Int32](), [Double]())
        for index in foreground {
            guard let truth = regions[index].truth else { continue }
            let wanted = configuration.regionCoder.encode(truth.box, from: regions[index].box)
            rows.append(Int32(index * configuration.classCount + regions[index].label))
            targets += [wanted[0], wanted[1], wanted[2], wanted[3]]
        }
        let box = deltas.reshaped([-1, 4]).gatheringRows(rows).smoothL1(
            Tensor(targets, [rows.count, 4]).converted(to: dtype), beta: configuration.smoothL1Beta,
            divisor: Double(regions.count))
        return [
            LossTerm(name: "roi_class", value: logits.crossEntropy(labels: regions.map { Int32($0.label) })),
            LossTerm(name: "roi_box", value: box),
            LossTerm(name: "roi_mask", value: maskLoss(maps, foreground.map { regions[$0] }, forward)),
        ]
    }

    private func maskLoss(_ maps: FeatureMaps, _ regions: [RegionSamples.Region], _ forward: Forward) -> Variable {
        let dtype = maps.maps[0].map.value.dtype
        if regions.isEmpty { return Variable(.zeros([], dtype)) }
        let side = 2 * configuration.maskPoolSize
        let pooled = pool(maps, regions.map { roi($0.picture, $0.box) }, size: configuration.maskPoolSize)
        let logits = maskHead(pooled, labels: regions.map(\.label), forward)
        let targets = Tensor(uninitialized: logits.shape, .f32)
        let out = targets.f32()
        Parallel.forEach(regions.count) { index in
            let mask = regions[index].truth?.mask.cropped(to: regions[index].box, side: side)
            for cell in 0..<side * side { out[index * side * side + cell] = (mask?.pixels[cell] ?? 0) != 0 ? 1 : 0 }
        }
        return logits.bceWithLogits(targets: targets.converted(to: dtype))
    }

    private struct Candidate {
        let picture: Int
        let box: Box
        let label: Int
        let score: Float
    }

    /// - Parameter proposals: per picture.
    func predict(
        _ maps: FeatureMaps, proposals: [[Box]], frames: [PictureFrame], _ forward: Forward
    ) -> [Detections] {
        let rois = proposals.enumerated().flatMap { picture, boxes in boxes.map { roi(picture, $0) } }
        if rois.isEmpty { return frames.map { Detections(size: $0.output, instances: []) } }
        let (logits, deltas) = boxPredictor(
            boxHead(pool(maps, rois, size: configuration.boxPoolSize), forward), forward)
        let scores = TensorValues(logits.softmax().value)
        let corrections = TensorValues(deltas.value)
        var (found, first) = ([Candidate](), 0)
        for (picture, boxes) in proposals.enumerated() {
            found += detections(
                picture, boxes, first: first, scores: scores, corrections: corrections, content: frames[picture].content
            )
            first += boxes.count
        }
        return drawn(found, maps, frames, forward)
    }

    /// Every class of every proposal is a candidate; suppression runs within a class.
    private func detections(
        _ picture: Int, _ proposals: [Box], first: Int, scores: TensorValues, corrections: TensorValues,
        content: ImageSize
    ) -> [Candidate] {
        let classCount = configuration.classCount
        var candidates: [Candidate] = []
        for (index, proposal) in proposals.enumerated() {
            let row = first + index
            for label in 0..<classCount {
                let score = scores[row * (classCount + 1) + label]
                guard score.isFinite, score > configuration.scoreThreshold else { continue }
                let deltas = corrections.quadruple(at: 4 * (row * classCount + label))
                let box = configuration.regionCoder.decode(deltas, from: proposal).clipped(to: content)
                guard box.isProper else { continue }
                candidates.append(Candidate(picture: picture, box: box, label: label, score: Float(score)))
            }
        }
        return NonMaximumSuppression.keep(
            candidates.map(\.box), scores: candidates.map(\.score), groups: candidates.map(\.label),
            groupCount: classCount, threshold: configuration.detectionOverlap, limit: configuration.detectionLimit
        ).map { candidates[$0] }
    }

    /// Adds masks, in the original picture's pixels.
    private func drawn(
        _ found: [Candidate], _ maps: FeatureMaps, _ frames: [PictureFrame], _ forward: Forward
    ) -> [Detections] {
        var result = frames.map { Detections(size: $0.output, instances: []) }
        if found.isEmpty { return result }
        let side = 2 * configuration.maskPoolSize
        let pooled = pool(maps, found.map { roi($0.picture, $0.box) }, size: configuration.maskPoolSize)
        let probabilities = maskHead(pooled, labels: found.map(\.label), forward).sigmoid().value.floats()
        let threshold = Float(configuration.maskThreshold)
        var instances = [Detections.Instance?](repeating: nil, count: found.count)
        instances.withUnsafeMutableBufferPointer { instances in
            guard let out = instances.baseAddress else { return }
            Parallel.forEach(found.count) { index in
                let (candidate, frame) = (found[index], frames[found[index].picture])
                let box = candidate.box.scaled(
                    x: Double(frame.output.width) / Double(frame.content.width),
                    y: Double(frame.output.height) / Double(frame.content.height)
                ).clipped(to: frame.output)
                guard box.isProper else { return }
                let mask = BinaryMask(
                    pasting: Array(probabilities[index * side * side..<(index + 1) * side * side]),
                    grid: ImageSize(height: side, width: side), into: box, size: frame.output, threshold: threshold)
                out[index] = Detections.Instance(
                    box: box, label: candidate.label, score: candidate.score, mask: mask.rle)
            }
        }
        for (candidate, instance) in zip(found, instances) {
            if let instance { result[candidate.picture].instances.append(instance) }
        }
        return result
    }

    private func roi(_ picture: Int, _ box: Box) -> ROI {
        ROI(image: picture, level: levels.index(of: box), box: (box.x0, box.y0, box.x1, box.y1))
    }

    private func pool(_ maps: FeatureMaps, _ rois: [ROI], size: Int) -> Variable {
        let used = maps.maps.prefix(configuration.strides.count)
        return .roiAlign(levels: used.map(\.map), rois: rois, size: size, strides: used.map(\.spec.stride))
    }
}
