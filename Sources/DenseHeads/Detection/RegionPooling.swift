import Autograd
import Geometry
import NeuralLayers

/// Cuts regions out of the pyramid: each from the level that suits its size.
struct RegionPooling {
    private let levels: LevelAssignment
    private let rules: DetectionRules
    private let levelCount: Int

    init(_ configuration: MaskRCNNConfiguration) {
        let exponents = configuration.strides.map(\.trailingZeroBitCount)
        levels = LevelAssignment(
            levels: exponents[0]...exponents[exponents.count - 1], canonicalSize: configuration.canonicalSize,
            rules: configuration.rules)
        rules = configuration.rules
        levelCount = exponents.count
    }

    /// - Parameter regions: pictures of the batch and boxes in input pixels.
    /// - Returns: `(R, size, size, C)`.
    func callAsFunction(_ maps: FeatureMaps, _ regions: [(picture: Int, box: Box)], size: Int) -> Variable {
        let used = maps.maps.prefix(levelCount)
        let rois = regions.map { picture, box in
            ROI(image: picture, level: levels.index(of: box), box: (box.x0, box.y0, box.x1, box.y1))
        }
        return .roiAlign(
            levels: used.map(\.map), rois: rois, size: size, samplingRatio: rules.samplingRatio,
            aligned: rules.alignsRegions, strides: used.map(\.spec.stride))
    }
}
