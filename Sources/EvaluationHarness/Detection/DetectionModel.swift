import Autograd
import DenseHeads
import Determinism
import JSONText
import NeuralLayers
import SafeFiles
import VisionBackbones

/// A ViT with Mask R-CNN. Checkpoint names `backbone.*` (the ViT) and `detector.*` (detectron2's names).
public final class DetectionModel: HeadedModel {
    public static let kind = "detection"
    public let backbone: VisionTransformer
    public let architecture: DetectionArchitecture
    private let detector: MaskRCNN

    /// - Parameters:
    ///   - backbone: used as it is, not copied; `copied()` keeps another one untouched.
    ///   - sampledAnchors: per picture; training alone depends on it, as on `sampledRegions`.
    ///   - seed: of the head's fresh weights.
    /// - Throws: `HeadConfigurationError` for a head that cannot stand on this backbone; `DataError` for a size that
    ///   is no
    ///   multiple of the patch or category ids that are not one a class.
    public init(
        backbone: VisionTransformer, architecture: DetectionArchitecture, sampledAnchors: Int = 256,
        sampledRegions: Int = 512, seed: UInt64
    ) throws {
        guard architecture.size % backbone.patchSize == 0 else {
            throw DataError(
                .configuration, file: "detection head", record: "size",
                expected: "a multiple of the patch size \(backbone.patchSize)", found: "\(architecture.size)",
                remedy: "choose another size")
        }
        guard architecture.categoryIDs.count == architecture.classCount else {
            throw DataError(
                .configuration, file: "detection head", record: "category_ids",
                expected: "\(architecture.classCount), one a class", found: "\(architecture.categoryIDs.count)",
                remedy: "take both from one data set")
        }
        var configuration = architecture.configuration()
        configuration.rpnSampler = BalancedSampler(count: sampledAnchors, foregroundShare: 0.5)
        configuration.regionSampler = BalancedSampler(count: sampledRegions, foregroundShare: 0.25)
        var stream = RandomStream(seed: seed, purpose: "detection head")
        detector = try MaskRCNN(configuration, input: Self.spec(backbone), &stream)
        self.backbone = backbone
        self.architecture = architecture
    }

    public static func make(backbone: VisionTransformer, head: JSONValue, file: String) throws -> DetectionModel {
        let architecture = try DetectionArchitecture(ArchitectureFields(json: head, file: file))
        return try DetectionModel(backbone: backbone, architecture: architecture, seed: 0)
    }

    public var headArchitecture: JSONValue { architecture.json }

    public static var slots: [Slot<DetectionModel>] {
        [.layer("backbone", \.backbone), .layer("detector", \.detector)]
    }

    /// - Parameters:
    ///   - images: `(N, S, S, 3)`, normalised, zero in the padding.
    ///   - frozen: the backbone runs without gradient and as in evaluation.
    public func loss(
        _ images: Variable, _ targets: [DetectionTarget], frozen: Bool, _ forward: Forward
    ) -> [LossTerm] {
        detector.loss(maps(images, frozen ? .evaluation : forward), targets, forward)
    }

    /// The objects of each picture, in the pixels of its frame's output.
    public func predict(_ images: Variable, frames: [PictureFrame], _ forward: Forward = .evaluation) -> [Detections] {
        detector.predict(maps(images, forward), sizes: frames, forward)
    }

    private static func spec(_ backbone: VisionTransformer) -> FeatureSpec {
        FeatureSpec(name: "last", channels: backbone.width, stride: backbone.patchSize)
    }

    /// The last block's patch tokens before the final norm, as a map.
    private func maps(_ images: Variable, _ forward: Forward) -> FeatureMaps {
        let tokens = backbone.tokens(of: images, visible: nil, masked: nil, taps: [backbone.depth - 1], forward)
        let tap = tokens.taps[0]
        let map = tap.sliced(axis: 1, 1..<tap.shape[1])
            .reshaped([images.shape[0], tokens.grid.height, tokens.grid.width, backbone.width])
        return FeatureMaps([(Self.spec(backbone), map)])
    }
}
