import Determinism
import Geometry
import NeuralLayers

/// The proposals a training step learns from: sampled, labelled, and tied to their truth.
struct RegionSamples {
    struct Region {
        let picture: Int
        let box: Box
        /// The class, or `classCount` for background.
        let label: Int
        /// The truth of a foreground region.
        let truth: DetectionTarget.Instance?
        /// Whether the region is itself a true box, added to the proposals.
        let isTruth: Bool
    }

    /// Picture by picture, foreground before background.
    let regions: [Region]

    var foreground: [Int] { regions.indices.filter { regions[$0].truth != nil } }

    /// What losses over regions, and over those in the foreground, divide by.
    func meanCounts(_ forward: Forward) -> (all: Double, foreground: Double) {
        (forward.meanCount(regions.count), forward.meanCount(foreground.count))
    }

    /// - Parameters:
    ///   - proposals: per picture; the true boxes are added to them, so that there is always something to learn.
    ///   - truths: per picture, without crowds.
    ///   - stage: of a cascade; 0 else.
    ///   - seed: the step's seed.
    ///   - firstPicture: the place of the first picture in the whole batch.
    init(
        proposals: [[Box]], truths: [[DetectionTarget.Instance]], configuration: MaskRCNNConfiguration, stage: Int = 0,
        seed: UInt64, firstPicture: Int = 0
    ) {
        precondition(
            proposals.count == truths.count, "proposals of \(proposals.count) pictures, \(truths.count) truths")
        var regions: [Region] = []
        for (picture, instances) in truths.enumerated() {
            let boxes = instances.map(\.box)
            let candidates = proposals[picture] + boxes
            let matches = configuration.stages[stage].matcher.match(truths: boxes, candidates: candidates)
            let purpose = stage == 0 ? "roi.sample" : "roi.sample.stage\(stage)"
            let stream = RandomStream(seed: seed, purpose: purpose, UInt64(firstPicture + picture))
            let draw = configuration.regionSampler.sample(matches.verdicts, stream: stream)
            func add(_ at: Int, _ label: Int, _ truth: DetectionTarget.Instance?) {
                regions.append(
                    Region(
                        picture: picture, box: candidates[at], label: label, truth: truth,
                        isTruth: at >= proposals[picture].count))
            }
            for at in draw.foreground {
                let truth = instances[Int(matches.truths[at])]
                precondition(
                    (0..<configuration.classCount).contains(truth.label),
                    "class \(truth.label) in a head of \(configuration.classCount) classes")
                add(at, truth.label, truth)
            }
            for at in draw.background { add(at, configuration.classCount, nil) }
        }
        self.regions = regions
    }
}
