import Determinism
import Geometry

/// The proposals a training step learns from: sampled, labelled, and tied to their truth.
struct RegionSamples {
    struct Region {
        let picture: Int
        let box: Box
        /// The class, or `classCount` for background.
        let label: Int
        /// The truth of a foreground region.
        let truth: DetectionTarget.Instance?
    }

    /// Picture by picture, foreground before background.
    let regions: [Region]

    var foreground: [Int] { regions.indices.filter { regions[$0].truth != nil } }

    /// - Parameters:
    ///   - proposals: per picture; the true boxes are added to them, so that there is always something to learn.
    ///   - truths: per picture, without crowds.
    ///   - seed: the step's seed.
    init(
        proposals: [[Box]], truths: [[DetectionTarget.Instance]], configuration: MaskRCNNConfiguration, seed: UInt64
    ) {
        precondition(
            proposals.count == truths.count, "proposals of \(proposals.count) pictures, \(truths.count) truths")
        var regions: [Region] = []
        for (picture, instances) in truths.enumerated() {
            let boxes = instances.map(\.box)
            let candidates = proposals[picture] + boxes
            let matches = configuration.regionMatcher.match(truths: boxes, candidates: candidates)
            let stream = RandomStream(seed: seed, purpose: "roi.sample", UInt64(picture))
            let draw = configuration.regionSampler.sample(matches.verdicts, stream: stream)
            for at in draw.foreground {
                let truth = instances[Int(matches.truths[at])]
                precondition(
                    (0..<configuration.classCount).contains(truth.label),
                    "class \(truth.label) in a head of \(configuration.classCount) classes")
                regions.append(Region(picture: picture, box: candidates[at], label: truth.label, truth: truth))
            }
            for at in draw.background {
                regions.append(
                    Region(picture: picture, box: candidates[at], label: configuration.classCount, truth: nil))
            }
        }
        self.regions = regions
    }
}
