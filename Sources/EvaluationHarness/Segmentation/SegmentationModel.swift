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
    private enum Segmenter {
        case upernet(SemanticSegmenter<UPerHead>)
        case fcn(SemanticSegmenter<FCNHead>)
        case linear(SemanticSegmenter<LinearHead>)
    }

    public static let kind = "segmentation"
    public let backbone: VisionTransformer
    public let architecture: SegmentationArchitecture
    private let segmenter: Segmenter

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
        var stream = RandomStream(seed: seed, purpose: "segmentation head")
        let ignore = Int32(architecture.ignoreLabel)
        let last = FeatureSpec(name: "tokens", channels: backbone.width, stride: backbone.patchSize)
        switch architecture.head {
        case .upernet:
            if architecture.taps.isEmpty { architecture.taps = VisionTransformer.evenTaps(depth: backbone.depth) }
            let taps = try Self.specs(of: architecture.taps, backbone)
            let neck = try MultiTapPyramid(taps: taps, &stream)
            let decoder = try UPerHead(
                inputs: neck.outputSpecs, channels: architecture.channels, classCount: architecture.classCount, &stream)
            let auxiliary: FCNHead? =
                architecture.hasAuxiliary
                ? try FCNHead(
                    inputs: neck.outputSpecs, channels: architecture.channels, classCount: architecture.classCount,
                    &stream) : nil
            segmenter = .upernet(
                try SemanticSegmenter(neck: neck, decoder: decoder, auxiliary: auxiliary, ignoreLabel: ignore))
        case .fcn:
            architecture.taps = []
            architecture.hasAuxiliary = false
            let decoder = try FCNHead(
                inputs: [last], inputIndex: 0, channels: architecture.channels, convolutionCount: 2,
                classCount: architecture.classCount, &stream)
            segmenter = .fcn(try SemanticSegmenter(neck: nil, decoder: decoder, ignoreLabel: ignore))
        case .linear:
            architecture.hasAuxiliary = false
            let taps = try Self.specs(of: architecture.taps, backbone)
            let decoder = try LinearHead(
                inputs: taps.isEmpty ? [last] : taps, classCount: architecture.classCount,
                normalizes: architecture.hasBatchNorm, &stream)
            segmenter = .linear(try SemanticSegmenter(neck: nil, decoder: decoder, ignoreLabel: ignore))
        }
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

    public var headArchitecture: JSONValue { architecture.json }

    // MARK: Slots

    private var upernet: SemanticSegmenter<UPerHead>? { if case .upernet(let it) = segmenter { it } else { nil } }
    private var neck: MultiTapPyramid? { upernet?.neck }
    private var auxiliary: FCNHead? { upernet?.auxiliary }
    private var upernetDecoder: UPerHead? { upernet?.decoder }
    private var fcnDecoder: FCNHead? { if case .fcn(let it) = segmenter { it.decoder } else { nil } }
    private var linearDecoder: LinearHead? { if case .linear(let it) = segmenter { it.decoder } else { nil } }

    public static var slots: [Slot<SegmentationModel>] {
        [
            .layer("backbone", \.backbone), .layer("neck", \.neck), .layer("decode_head", \.upernetDecoder),
            .layer("decode_head", \.fcnDecoder), .layer("decode_head", \.linearDecoder),
            .layer("auxiliary_head", \.auxiliary),
        ]
    }

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
        var terms: [LossTerm]
        switch segmenter {
        case .upernet(let head): terms = head.loss(maps, targets, forward)
        case .fcn(let head): terms = head.loss(maps, targets, forward)
        case .linear(let head): terms = head.loss(maps, targets, forward)
        }
        for index in terms.indices where terms[index].name == "seg_aux" { terms[index].weight = auxiliaryWeight }
        return terms
    }

    /// Label maps at each frame's output size.
    public func predict(
        _ images: Variable, frames: [PictureFrame], _ forward: Forward = .evaluation
    ) -> [SemanticLabels] {
        let maps = maps(images, forward)
        switch segmenter {
        case .upernet(let head): return head.predict(maps, sizes: frames, forward)
        case .fcn(let head): return head.predict(maps, sizes: frames, forward)
        case .linear(let head): return head.predict(maps, sizes: frames, forward)
        }
    }

    /// Logits on the decoder's grid, `(N, H', W', K)`.
    public func logits(_ images: Variable, _ forward: Forward = .evaluation) -> Variable {
        let maps = maps(images, forward)
        switch segmenter {
        case .upernet(let head): return head.logits(maps, forward)
        case .fcn(let head): return head.logits(maps, forward)
        case .linear(let head): return head.logits(maps, forward)
        }
    }

    /// The tapped blocks' patch tokens as maps: before the final norm for UPerNet, behind it for the linear head; or the
    /// last block's, behind it.
    private func maps(_ images: Variable, _ forward: Forward) -> FeatureMaps {
        let tokens = backbone.tokens(of: images, visible: nil, masked: nil, taps: architecture.taps, forward)
        func map(_ name: String, _ patches: Variable) -> (spec: FeatureSpec, map: Variable) {
            (
                FeatureSpec(name: name, channels: backbone.width, stride: backbone.patchSize),
                patches.reshaped([images.shape[0], tokens.grid.height, tokens.grid.width, backbone.width])
            )
        }
        if architecture.taps.isEmpty { return FeatureMaps([map("tokens", tokens.patches)]) }
        return FeatureMaps(
            zip(architecture.taps, tokens.taps).map { block, tap in
                let seen = architecture.head == .linear ? backbone.norm(tap, forward) : tap
                return map("block\(block)", seen.sliced(axis: 1, 1..<tap.shape[1]))
            })
    }
}
