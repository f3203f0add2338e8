import Autograd
import Determinism
import Geometry
import NeuralLayers
import TensorCore

extension RegionHeads {
    /// The terms of all stages; those of a cascade's stage `i` begin with `s<i>.` and have its weight.
    ///
    /// - Parameters:
    ///   - proposals: per picture.
    ///   - truths: per picture, without crowds.
    ///   - contents: the pictures without padding.
    func loss(
        _ maps: FeatureMaps, proposals: [[Box]], truths: [[DetectionTarget.Instance]], contents: [ImageSize],
        _ forward: Forward
    ) -> [LossTerm] {
        var (proposals, terms) = (proposals, [LossTerm]())
        for stage in configuration.stages.indices {
            let samples = RegionSamples(
                proposals: proposals, truths: truths, configuration: configuration, stage: stage, seed: forward.seed,
                firstPicture: forward.firstPicture(of: truths.count))
            let counts = samples.meanCounts(forward)
            if samples.regions.isEmpty {
                // Other ranks may have regions in later stages: they are gone through all the same.
                terms += nothing(stage, maps)
                continue
            }
            let regions = samples.regions.map { (picture: $0.picture, box: $0.box) }
            let outputs = boxes(maps, regions, stage: stage, forward)
            terms += loss(maps, samples, outputs, counts, stage: stage, forward)
            if stage + 1 == stageCount { break }
            let guesses = bestClasses(outputs.logits)
            let classes = zip(samples.regions, guesses).map { $0.truth == nil ? $1 : $0.label }
            proposals = truths.map { _ in [] }
            let refined = refined(regions, outputs, classes: classes, contents: contents, stage: stage)
            for (region, next) in zip(samples.regions, refined) where !region.isTruth && next.box.isProper {
                proposals[next.picture].append(next.box)
            }
        }
        return terms
    }

    /// One stage's terms `roi_class` (mean over regions), `roi_box` (foreground, divided by all regions) and `roi_mask`
    /// (mean over the foreground's cells).
    ///
    /// - Parameter counts: the regions that means are taken over.
    func loss(
        _ maps: FeatureMaps, _ samples: RegionSamples, _ outputs: Outputs, _ counts: (all: Double, foreground: Double),
        stage: Int,
        _ forward: Forward
    ) -> [LossTerm] {
        let regions = samples.regions
        let foreground = samples.foreground.map { regions[$0] }
        let rows = samples.foreground.map { Int32($0 * configuration.classCount + regions[$0].label) }
        let deltas = outputs.deltas.reshaped([-1, 4]).gatheringRows(rows)
        return named(
            stage,
            [
                (
                    "roi_class",
                    outputs.logits.crossEntropy(labels: regions.map { Int32($0.label) }, divisor: counts.all)
                ),
                ("roi_box", boxLoss(deltas, foreground, stage: stage, divisor: counts.all)),
                ("roi_mask", maskLoss(maps, foreground, count: counts.foreground, stage: stage, forward)),
            ])
    }

    private func named(_ stage: Int, _ terms: [(String, Variable)]) -> [LossTerm] {
        terms.map { name, value in
            LossTerm(
                name: stageCount == 1 ? name : "s\(stage).\(name)", value: value,
                weight: configuration.stages[stage].weight)
        }
    }

    /// Zeros for a stage that sees no region.
    private func nothing(_ stage: Int, _ maps: FeatureMaps) -> [LossTerm] {
        let zero = Variable(Tensor.zeros([], maps.maps[0].map.value.dtype))
        return named(stage, [("roi_class", zero), ("roi_box", zero), ("roi_mask", zero)])
    }

    private func boxLoss(
        _ deltas: Variable, _ regions: [RegionSamples.Region], stage: Int, divisor: Double
    ) -> Variable {
        let coder = configuration.stages[stage].coder
        let pairs = regions.compactMap { region in region.truth.map { (region.box, $0.box) } }
        switch configuration.boxLoss {
        case .smoothL1(let beta):
            let targets = pairs.flatMap { source, target in
                let wanted = coder.encode(target, from: source)
                return [wanted[0], wanted[1], wanted[2], wanted[3]]
            }
            return deltas.smoothL1(
                Tensor(targets, [pairs.count, 4]).converted(to: deltas.value.dtype), beta: beta, divisor: divisor)
        case .generalizedIoU(let weight):
            return deltas.overlapLoss(
                coder, from: pairs.map(\.0), to: pairs.map(\.1), weight: weight, divisor: divisor)
        }
    }

    private func maskLoss(
        _ maps: FeatureMaps, _ regions: [RegionSamples.Region], count: Double, stage: Int, _ forward: Forward
    ) -> Variable {
        let dtype = maps.maps[0].map.value.dtype
        if regions.isEmpty { return Variable(.zeros([], dtype)) }
        let side = 2 * configuration.maskPoolSize
        let logits = masks(
            maps, regions.map { ($0.picture, $0.box) }, labels: regions.map(\.label), stage: stage, forward)
        let targets = Tensor(uninitialized: logits.shape, .f32)
        let (out, rules) = (targets.f32(), configuration.rules)
        Parallel.forEach(regions.count) { index in
            let values = regions[index].truth?.mask.target(within: regions[index].box, side: side, rules)
            for cell in 0..<side * side { out[index * side * side + cell] = values?[cell] ?? 0 }
        }
        return logits.bceWithLogits(
            targets: targets.converted(to: dtype), divisor: count * Double(logits.count / regions.count))
    }
}
