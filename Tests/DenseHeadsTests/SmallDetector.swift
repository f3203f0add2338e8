import Autograd
import Determinism
import Geometry
import NeuralLayers

@testable import DenseHeads

/// A detector of three classes small enough for differences, and two pictures with three objects.
enum SmallDetector {
    static func configuration() -> MaskRCNNConfiguration {
        var configuration = MaskRCNNConfiguration(classCount: 3)
        configuration.strides = [4, 8, 16]
        configuration.channels = 16
        configuration.anchorSizes = [12, 24, 48, 96]
        configuration.rpnSampler = BalancedSampler(count: 64, foregroundShare: 0.5)
        configuration.regionSampler = BalancedSampler(count: 32, foregroundShare: 0.25)
        configuration.trainingProposals = ProposalLimits(beforeSuppression: 100, afterSuppression: 60)
        configuration.evaluationProposals = ProposalLimits(beforeSuppression: 60, afterSuppression: 40)
        configuration.canonicalSize = 56
        configuration.boxConvolutionChannels = 16
        configuration.boxLinearWidth = 32
        configuration.maskChannels = 16
        return configuration
    }

    static func model(_ configuration: MaskRCNNConfiguration = configuration(), width: Int = 16) throws -> MaskRCNN {
        var stream = RandomStream(seed: 7, purpose: "init")
        return try MaskRCNN(configuration, inputs: [FeatureSpec(name: "last", channels: width, stride: 8)], &stream)
    }

    /// The levels of a pyramid whose finest has this map of 16 channels.
    static func levels(_ finest: Variable) -> FeatureMaps {
        let maps = [finest, finest.maxPool(size: 2, stride: 2), finest.maxPool(size: 4, stride: 4)]
        return FeatureMaps(
            zip(configuration().strides, maps).map { (FeatureSpec(name: "p", channels: 16, stride: $0), $1) })
    }

    /// An ellipse inside a box.
    private static func ellipse(_ box: Box, size: ImageSize) -> BinaryMask {
        var pixels = [UInt8](repeating: 0, count: size.pixelCount)
        for y in 0..<size.height {
            for x in 0..<size.width {
                let dx = (Double(x) + 0.5 - box.center.x) / (box.width / 2)
                let dy = (Double(y) + 0.5 - box.center.y) / (box.height / 2)
                if dx * dx + dy * dy <= 1 { pixels[y * size.width + x] = 1 }
            }
        }
        return BinaryMask(size: size, pixels: pixels)
    }

    static func targets(_ size: ImageSize = ImageSize(height: 64, width: 64)) -> [DetectionTarget] {
        func instance(_ x: Double, _ y: Double, _ w: Double, _ h: Double, _ label: Int) -> DetectionTarget.Instance {
            let box = Box(x0: x, y0: y, x1: x + w, y1: y + h)
            return .init(box: box, label: label, mask: .bitmap(ellipse(box, size: size)))
        }
        return [
            DetectionTarget(size: size, instances: [instance(4, 6, 22, 18, 0), instance(34, 30, 20, 28, 1)]),
            DetectionTarget(size: size, instances: [instance(10, 24, 36, 30, 2)]),
        ]
    }
}
