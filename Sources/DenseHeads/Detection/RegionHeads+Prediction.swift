import Autograd
import Determinism
import Geometry
import NeuralLayers

extension RegionHeads {
    private struct Candidate {
        let picture: Int
        let box: Box
        let label: Int
        let score: Float
    }

    /// The objects of each picture.
    ///
    /// Stages of a cascade correct the boxes one after the other; their logits and their mask probabilities are averaged.
    ///
    /// - Parameter proposals: per picture.
    func predict(
        _ maps: FeatureMaps, proposals: [[Box]], frames: [PictureFrame], _ forward: Forward
    ) -> [Detections] {
        var regions = proposals.enumerated().flatMap { picture, boxes in boxes.map { (picture: picture, box: $0) } }
        if regions.isEmpty { return frames.map { Detections(size: $0.output, instances: []) } }
        var outputs = boxes(maps, regions, stage: 0, forward)
        var logits = outputs.logits
        for stage in 1..<max(stageCount, 1) {
            regions = refined(
                regions, outputs, classes: bestClasses(outputs.logits), contents: frames.map(\.content),
                stage: stage - 1)
            outputs = boxes(maps, regions, stage: stage, forward)
            logits = logits + outputs.logits
        }
        if stageCount > 1 { logits = logits.scaled(by: 1 / Double(stageCount)) }
        let scores = TensorValues(logits.softmax().value)
        let corrections = TensorValues(outputs.deltas.value)
        var (found, first) = ([Candidate](), 0)
        for (picture, boxes) in proposals.enumerated() {
            let rows = first..<first + boxes.count
            found += detections(
                rows, regions.map(\.box), picture, scores: scores, corrections: corrections,
                content: frames[picture].content)
            first = rows.upperBound
        }
        return drawn(found, maps, frames, forward)
    }

    /// Every class of every proposal is a candidate; suppression runs within a class.
    private func detections(
        _ rows: Range<Int>, _ boxes: [Box], _ picture: Int, scores: TensorValues, corrections: TensorValues,
        content: ImageSize
    ) -> [Candidate] {
        let (classCount, coder) = (configuration.classCount, configuration.stages[stageCount - 1].coder)
        var candidates: [Candidate] = []
        for row in rows {
            for label in 0..<classCount {
                let score = scores[row * (classCount + 1) + label]
                guard score.isFinite, score > configuration.scoreThreshold else { continue }
                let deltas = corrections.quadruple(at: 4 * (row * classCount + label))
                let box = coder.decode(deltas, from: boxes[row]).clipped(to: content)
                guard box.isProper(leastSide: configuration.rules.leastDetectionSide) else { continue }
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
        let (regions, labels) = (found.map { (picture: $0.picture, box: $0.box) }, found.map(\.label))
        var soft = masks(maps, regions, labels: labels, stage: 0, forward).sigmoid()
        for stage in 1..<max(stageCount, 1) {
            soft = soft + masks(maps, regions, labels: labels, stage: stage, forward).sigmoid()
        }
        if stageCount > 1 { soft = soft.scaled(by: 1 / Double(stageCount)) }
        let probabilities = soft.value.floats()
        let threshold = Float(configuration.maskThreshold)
        let grid = ImageSize(height: side, width: side)
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
                let cells = Array(probabilities[index * side * side..<(index + 1) * side * side])
                let mask =
                    configuration.rules == .torchvision
                    ? BinaryMask(
                        resizing: cells, grid: grid, into: box, size: frame.output, threshold: threshold)
                    : BinaryMask(pasting: cells, grid: grid, into: box, size: frame.output, threshold: threshold)
                out[index] = Detections.Instance(
                    box: box, label: candidate.label, score: candidate.score, mask: mask.rle)
            }
        }
        for (candidate, instance) in zip(found, instances) {
            if let instance { result[candidate.picture].instances.append(instance) }
        }
        return result
    }
}

extension Box {
    /// Finite and with an inside.
    var isProper: Bool { isProper(leastSide: 0) }

    /// Finite, with an inside, and no side shorter than `leastSide`.
    func isProper(leastSide: Double) -> Bool {
        width > 0 && height > 0 && width >= leastSide && height >= leastSide && x0.isFinite && y0.isFinite
            && x1.isFinite && y1.isFinite
    }
}
