import Autograd
import Determinism
import Geometry
import NeuralLayers
import TensorCore

/// Proposes boxes that may hold an object: scores and corrects anchors on every pyramid level.
///
/// - Source: Ren et al. 2015, arXiv:1506.01497; detectron2's `proposal_generator/rpn.py` and `proposal_utils.py`.
final class RegionProposalNetwork: Layer {
    /// What the head says about every anchor of a batch; levels follow each other, finest first.
    struct Output {
        /// `(N, A, 1)`.
        let logits: Variable
        /// `(N, A, 4)`.
        let deltas: Variable
        /// One array a level.
        let anchors: [[Box]]
    }

    private let configuration: MaskRCNNConfiguration
    private let generator: AnchorGenerator
    private let head: RPNHead

    init(_ configuration: MaskRCNNConfiguration, levels: [FeatureSpec], _ stream: inout RandomStream) {
        self.configuration = configuration
        generator = AnchorGenerator(
            sizes: configuration.anchorSizes, ratios: configuration.anchorRatios, strides: levels.map(\.stride),
            rounds: configuration.rules.roundsAnchors)
        head = RPNHead(
            channels: configuration.channels, anchorsPerCell: generator.countPerCell,
            convolutionCount: configuration.rpnConvolutionCount, &stream)
    }

    static var slots: [Slot<RegionProposalNetwork>] { [.layer("rpn_head", \.head)] }

    func callAsFunction(_ maps: FeatureMaps, _ forward: Forward) -> Output {
        let levels = maps.maps.map { head($0.map, forward) }
        return Output(
            logits: .concatenated(levels.map(\.logits), axis: 1), deltas: .concatenated(levels.map(\.deltas), axis: 1),
            anchors: maps.maps.enumerated().map { level, entry in
                let (height, width) = entry.map.grid
                // torchvision spreads a level's anchors over the input, which matters where its map was rounded up.
                let step =
                    configuration.rules == .torchvision
                    ? (maps.inputSize.height / height, maps.inputSize.width / width) : nil
                return generator.anchors(level: level, height: height, width: width, step: step)
            })
    }

    /// Terms `rpn_objectness` and `rpn_box`, both summed over the sampled anchors and divided by the sampler's count times
    /// the pictures, or by the anchors sampled where the rules say so.
    ///
    /// - Parameter contents: the pictures without padding.
    func loss(
        _ output: Output, _ truths: [[DetectionTarget.Instance]], contents: [ImageSize], _ forward: Forward
    ) -> [LossTerm] {
        let anchors = output.anchors.flatMap { $0 }
        var (sampled, labels) = ([Int32](), [Double]())
        var (matched, targets) = ([Int32](), [Double]())
        let firstPicture = forward.firstPicture(of: truths.count)
        for (picture, instances) in truths.enumerated() {
            let boxes = instances.map(\.box)
            let matches = match(boxes, anchors, content: contents[picture])
            let stream = RandomStream(seed: forward.seed, purpose: "rpn.sample", UInt64(firstPicture + picture))
            let draw = configuration.rpnSampler.sample(matches.verdicts, stream: stream)
            let first = picture * anchors.count
            for at in draw.foreground {
                let deltas = configuration.rpnCoder.encode(boxes[Int(matches.truths[at])], from: anchors[at])
                matched.append(Int32(first + at))
                targets += [deltas[0], deltas[1], deltas[2], deltas[3]]
            }
            sampled += (draw.foreground + draw.background).map { Int32(first + $0) }
            labels += draw.foreground.map { _ in 1 } + draw.background.map { _ in 0 }
        }
        let dtype = output.logits.value.dtype
        let divisor =
            configuration.rules.countsSampledAnchors
            ? forward.meanCount(sampled.count) : Double(configuration.rpnSampler.count * truths.count)
        let objectness = output.logits.gatheringRows(sampled).bceWithLogits(
            targets: Tensor(labels, [labels.count, 1]).converted(to: dtype), divisor: divisor)
        let box = output.deltas.gatheringRows(matched).smoothL1(
            Tensor(targets, [matched.count, 4]).converted(to: dtype), beta: configuration.rpnSmoothL1Beta,
            divisor: divisor)
        return [LossTerm(name: "rpn_objectness", value: objectness), LossTerm(name: "rpn_box", value: box)]
    }

    /// Anchors that reach out of the picture take no part where the configuration refuses them: they are nobody's best.
    private func match(_ truths: [Box], _ anchors: [Box], content: ImageSize) -> BoxMatcher.Matches {
        let matcher = configuration.rpnMatcher
        if configuration.learnsOutsideAnchors { return matcher.match(truths: truths, candidates: anchors) }
        let inside = anchors.indices.filter { anchors[$0].lies(within: content) }
        let found = matcher.match(truths: truths, candidates: inside.map { anchors[$0] })
        var matches = BoxMatcher.Matches(
            truths: [Int32](repeating: 0, count: anchors.count),
            verdicts: [BoxMatcher.Verdict](repeating: .ignored, count: anchors.count))
        for (place, at) in inside.enumerated() {
            (matches.truths[at], matches.verdicts[at]) = (found.truths[place], found.verdicts[place])
        }
        return matches
    }

    /// The best boxes of each picture, best first; no gradient flows through them.
    ///
    /// Per level the best by objectness are decoded, cut to the picture and, where anything is left of them, thinned by
    /// suppression within the level; the best over all levels remain.
    func proposals(_ output: Output, contents: [ImageSize], limits: ProposalLimits) -> [[Box]] {
        let (logits, deltas) = (TensorValues(output.logits.value), TensorValues(output.deltas.value))
        let total = output.logits.shape[1]
        precondition(
            contents.count == output.logits.shape[0], "\(contents.count) sizes for logits \(output.logits.shape)")
        return contents.enumerated().map { picture, content in
            var (boxes, scores, levels) = ([Box](), [Float](), [Int]())
            var first = picture * total
            for (level, anchors) in output.anchors.enumerated() {
                let best = BestScores.indices(limits.beforeSuppression, of: anchors.indices) {
                    Float(logits[first + $0])
                }
                for at in best {
                    let box = configuration.rpnCoder.decode(deltas.quadruple(at: 4 * (first + at)), from: anchors[at])
                        .clipped(to: content)
                    guard box.isProper(leastSide: configuration.rules.leastProposalSide) else { continue }
                    boxes.append(box)
                    scores.append(Float(logits[first + at]))
                    levels.append(level)
                }
                first += anchors.count
            }
            let kept = NonMaximumSuppression.keep(
                boxes, scores: scores, groups: levels, groupCount: output.anchors.count,
                threshold: configuration.proposalOverlap, limit: limits.afterSuppression)
            return kept.map { boxes[$0] }
        }
    }
}

extension Box {
    /// Whether no part lies outside a picture of `size`.
    fileprivate func lies(within size: ImageSize) -> Bool {
        x0 >= 0 && y0 >= 0 && x1 < Double(size.width) && y1 < Double(size.height)
    }
}
