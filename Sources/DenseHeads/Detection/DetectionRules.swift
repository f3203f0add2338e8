/// The library whose rules a detector follows where the libraries differ.
///
/// | | detectron2 | mmdetection | torchvision |
/// |:--|:--|:--|:--|
/// | anchors best for a truth but below 0.7 | keep their own best truth | take that truth from 0.3 on | keep their own |
/// | proposals best for a truth but below 0.5 | refused | take that truth from 0.5 on | refused |
/// | size deltas are cut | above | above and below | above |
/// | epsilon of the level rule | in the logarithm | in the logarithm, from the finest level | behind it |
/// | regions are pooled | shifted by half a pixel | so too | unshifted, 2 x 2 samples a bin, at least a map pixel wide |
/// | RPN losses are divided by | what may be sampled | what was sampled | what was sampled |
/// | box losses | L1 | L1 | smooth L1, β 1/9 |
/// | mask targets | polygons on the grid, bitmaps averaged and cut at 0.5 | bitmaps, so too | bitmaps averaged, unshifted |
/// | anchors | exact, a stride apart | so too | rounded to whole pixels, input over map apart |
/// | least side of proposals, of detections | above 0 | above 0 | 0.001, 0.01 |
/// | masks are pasted | sampled at pixel centres | so too | resized to whole pixels |
///
/// - Source: detectron2 `modeling/{matcher,poolers,box_regression,proposal_generator,roi_heads}`; mmdetection 2
///   `core/bbox/{assigners,coder}`, `models/{dense_heads,roi_heads}`; torchvision `models/detection`.
public enum DetectionRules: String, Sendable, CaseIterable {
    case detectron2, mmdetection, torchvision

    var rpnMatcher: BoxMatcher {
        BoxMatcher(low: 0.3, high: 0.7, lowQuality: self == .mmdetection ? .overwriting(least: 0.3) : .kept)
    }

    /// - Parameter refusing: mmdetection's cascade refuses low-quality matches.
    func regionMatcher(_ overlap: Double = 0.5, refusing: Bool = false) -> BoxMatcher {
        BoxMatcher(
            low: overlap, high: overlap,
            lowQuality: self == .mmdetection && !refusing ? .overwriting(least: overlap) : .refused)
    }

    func coder(_ weights: [Double]) -> BoxCoder {
        BoxCoder(weights: weights, limitsShrinking: self == .mmdetection)
    }

    var smoothL1Beta: Double { self == .torchvision ? 1.0 / 9 : 0 }
    var roundsAnchors: Bool { self == .torchvision }
    /// Whether the losses of the proposal network are divided by the anchors sampled, not by those asked for.
    var countsSampledAnchors: Bool { self != .detectron2 }
    var leastProposalSide: Double { self == .torchvision ? 1e-3 : 0 }
    var leastDetectionSide: Double { self == .torchvision ? 1e-2 : 0 }
    /// Whether samples of a region are shifted by half a map pixel.
    var alignsRegions: Bool { self != .torchvision }
    /// Samples a bin and axis; 0 is one per started map pixel.
    var samplingRatio: Int { self == .torchvision ? 2 : 0 }
    /// Whether polygons become bitmaps of the picture's size before regions are cut out of them.
    var drawsPolygonsFirst: Bool { self != .detectron2 }
}
