import Autograd
import DenseHeads
import Determinism
import Geometry
import JSONText
import NeuralLayers
import SafeFiles
import VisionBackbones

/// A ViT with a decoder of semantic labels. Checkpoint names `backbone.*`, `neck.*`, `decode_head.*`,
/// `auxiliary_head.*`.
public final class SegmentationModel: HeadedModel {
    public static let kind = "segmentation"
    public let backbone: VisionTransformer
    public let architecture: SegmentationArchitecture
    private let segmenter: any Segmenter
    private var layers: any Layer { segmenter }

    /// - Parameters:
    ///   - backbone: used as it is, not copied; `copied()` keeps another one untouched.
    ///   - architecture: empty taps become four blocks at equal distances.
    ///   - seed: of the decoder's fresh weights.
    /// - Throws: `HeadConfigurationError` for a decoder that cannot stand on this backbone, `DataError` for unknown
    ///   taps.
    public init(
        backbone: VisionTransformer, architecture: SegmentationArchitecture, seed: UInt64
    ) throws {
        var architecture = architecture
        if architecture.head.hasPyramid && architecture.taps.isEmpty {
            architecture.taps = VisionTransformer.evenTaps(depth: backbone.depth)
        }
        if architecture.head == .fcn { architecture.taps = [] }
        if architecture.head != .upernet { architecture.hasAuxiliary = false }
        let taps = try Self.specs(of: architecture.taps, backbone)
        var stream = RandomStream(seed: seed, purpose: "segmentation head")
        segmenter = try architecture.segmenter(
            taps: taps, last: FeatureSpec(name: "tokens", channels: backbone.width, stride: backbone.patchSize),
            &stream)
        self.backbone = backbone
        self.architecture = architecture
    }

    private static func specs(of taps: [Int], _ backbone: VisionTransformer) throws(DataError) -> [FeatureSpec] {
        guard taps.allSatisfy({ (0..<backbone.depth).contains($0) }) else {
            throw DataError(
                .configuration, file: "segmentation head", record: "taps",
                expected: "blocks in 0...\(backbone.depth - 1)", found: "\(taps)",
                remedy: "tap blocks that the backbone has")
        }
        return taps.map { FeatureSpec(name: "block\($0)", channels: backbone.width, stride: backbone.patchSize) }
    }

    public static func make(
        backbone: VisionTransformer, head: JSONValue, file: String
    ) throws -> SegmentationModel {
        let architecture = try SegmentationArchitecture(
            ArchitectureFields(json: head, file: file), depth: backbone.depth)
        return try SegmentationModel(backbone: backbone, architecture: architecture, seed: 0)
    }

    /// The least side of what the network is shown: the coarsest level of a pyramid is one value there.
    var leastSide: Int { max(backbone.patchSize, architecture.head.hasPyramid ? 32 : 0) }

    /// The size that a picture is padded to: whole patches, and no side below the least.
    func inputSize(of content: ImageSize) -> ImageSize {
        let whole = content.roundedUp(toMultiplesOf: backbone.patchSize)
        let least = ImageSize(height: leastSide, width: leastSide).roundedUp(toMultiplesOf: backbone.patchSize)
        return ImageSize(height: max(whole.height, least.height), width: max(whole.width, least.width))
    }

    public var headArchitecture: JSONValue { architecture.json }

    public static var slots: [Slot<SegmentationModel>] { [.layer("backbone", \.backbone), .inline(\.layers)] }

    // MARK: Passes

    /// - Parameters:
    ///   - images: `(N, H, W, 3)`, normalised; sides are multiples of the patch.
    ///   - targets: one a picture, of the images' size.
    ///   - auxiliaryWeight: of the term `seg_aux`.
    ///   - frozen: the backbone runs without gradient and as in evaluation.
    public func loss(
        _ images: Variable, _ targets: [SemanticLabels], auxiliaryWeight: Double, frozen: Bool, _ forward: Forward
    ) -> [LossTerm] {
        let maps = maps(images, frozen ? .evaluation : forward)
        var terms = segmenter.loss(maps, targets, forward)
        for index in terms.indices where terms[index].name == "seg_aux" { terms[index].weight = auxiliaryWeight }
        return terms
    }

    /// Label maps at each frame's output size.
    public func predict(
        _ images: Variable, frames: [PictureFrame], _ forward: Forward = .evaluation
    ) -> [SemanticLabels] {
        segmenter.predict(maps(images, forward), sizes: frames, forward)
    }

    /// Logits on the decoder's grid, `(N, H', W', K)`.
    public func logits(_ images: Variable, _ forward: Forward = .evaluation) -> Variable {
        segmenter.logits(maps(images, forward), forward)
    }

    /// The tapped blocks' patch tokens as maps, behind the final norm for the linear head and where the architecture says
    /// so; or the last block's, behind it.
    private func maps(_ images: Variable, _ forward: Forward) -> FeatureMaps {
        let tokens = backbone.tokens(of: images, TokenRequest(taps: architecture.taps), forward)
        func map(_ name: String, _ patches: Variable) -> (spec: FeatureSpec, map: Variable) {
            (
                FeatureSpec(name: name, channels: backbone.width, stride: backbone.patchSize),
                patches.reshaped([images.shape[0], tokens.grid.height, tokens.grid.width, backbone.width])
            )
        }
        if architecture.taps.isEmpty { return FeatureMaps([map("tokens", tokens.patches)]) }
        return FeatureMaps(
            zip(architecture.taps, tokens.taps).map { block, tap in
                let normed = architecture.head == .linear || architecture.normsTaps
                let seen = normed ? backbone.norm(tap, forward) : tap
                return map("block\(block)", seen.sliced(axis: 1, 1..<tap.shape[1]))
            })
    }
}
