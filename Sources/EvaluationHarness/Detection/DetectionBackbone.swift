import Autograd
import DenseHeads
import JSONText
import NeuralLayers
import SafeFiles
import VisionBackbones

/// Attention within windows, for pictures larger than those of pretraining: ViTDet's backbone.
public struct WindowedAttention: Sendable, Equatable {
    /// Tokens a side.
    public var window: Int
    /// Blocks that see the whole picture.
    public var globalBlocks: [Int]

    public init(window: Int, globalBlocks: [Int]) {
        self.window = window
        self.globalBlocks = globalBlocks
    }
}

/// What a detector stands on: a plain ViT, or one whose blocks attend within windows.
public final class DetectionBackbone: HeadBackbone {
    let plain: VisionTransformer?
    let windowed: ViTDetBackbone?

    /// Used as it is, not copied.
    public init(_ plain: VisionTransformer) { (self.plain, windowed) = (plain, nil) }

    public init(_ windowed: ViTDetBackbone) { (plain, self.windowed) = (nil, windowed) }

    /// A copy of a pretrained ViT.
    ///
    /// - Parameters:
    ///   - windows: nil keeps global attention.
    ///   - imageSize: pixels a side of the pictures to come.
    /// - Throws: `CheckpointError` for a ViT that cannot have windows.
    convenience init(
        copying vit: VisionTransformer, windows: WindowedAttention?, imageSize: Int, dropPath: Double
    ) throws {
        guard let windows else {
            self.init(vit.copied(dropPath: dropPath))
            return
        }
        self.init(
            try ViTDetBackbone.from(
                vit, imageSize: imageSize, window: windows.window, globalBlocks: windows.globalBlocks,
                dropPath: dropPath))
    }

    public static var slots: [Slot<DetectionBackbone>] { [.inline(\.plain), .inline(\.windowed)] }

    public var width: Int { windowed?.width ?? plain?.width ?? 0 }
    public var patchSize: Int { windowed?.patchSize ?? plain?.patchSize ?? 1 }
    public var depth: Int { windowed?.depth ?? plain?.depth ?? 0 }

    public var architecture: JSONValue {
        windowed.map { ModelFile.architecture(of: $0.configuration) } ?? plain?.architecture ?? .null
    }

    public static func make(_ architecture: JSONValue, file: String) throws(DataError) -> DetectionBackbone {
        if architecture["kind"]?.string == "vitdet" {
            let configuration = try ModelFile.windowedConfiguration(architecture, file: file)
            return DetectionBackbone(ViTDetBackbone(configuration, seed: 0))
        }
        return DetectionBackbone(try VisionTransformer.make(architecture, file: file))
    }

    /// - Throws: `.configuration` for a picture size that this network cannot see: relative positions of windowed networks are
    ///   for one size.
    func demand(side: Int) throws(DataError) {
        try plain?.demand(side: side)
        guard let windowed, side != windowed.configuration.imageSize else { return }
        throw DataError(
            .configuration, file: "options", record: "size",
            expected: "\(windowed.configuration.imageSize), the size its relative positions are for", found: "\(side)",
            remedy: "choose that size")
    }

    /// What `maps` returns.
    ///
    /// - Parameter taps: block indices; the last block alone where there are none.
    func specs(taps: [Int]) -> [FeatureSpec] {
        (taps.isEmpty ? [depth - 1] : taps).map {
            FeatureSpec(name: "block\($0)", channels: width, stride: patchSize)
        }
    }

    /// Patch tokens of the tapped blocks as maps, before the final norm.
    func maps(_ images: Variable, taps: [Int], _ forward: Forward) -> FeatureMaps {
        if let windowed { return windowed.features(of: images, forward) }
        guard let plain else { preconditionFailure("a backbone of no kind") }
        let wanted = taps.isEmpty ? [depth - 1] : taps
        let tokens = plain.tokens(of: images, TokenRequest(taps: wanted), forward)
        return FeatureMaps(
            zip(specs(taps: taps), tokens.taps).map { spec, tap in
                (
                    spec,
                    tap.sliced(axis: 1, 1..<tap.shape[1])
                        .reshaped([images.shape[0], tokens.grid.height, tokens.grid.width, width])
                )
            })
    }
}

extension ModelFile {
    static func architecture(of configuration: ViTDetConfiguration) -> JSONValue {
        func int(_ value: Int) -> JSONValue { .int(Int64(value)) }
        return .object([
            ("kind", .string("vitdet")), ("image_size", int(configuration.imageSize)),
            ("pretrained_size", int(configuration.pretrainedSize)), ("patch_size", int(configuration.patchSize)),
            ("width", int(configuration.width)), ("depth", int(configuration.depth)),
            ("head_count", int(configuration.headCount)), ("mlp_ratio", .double(configuration.mlpRatio)),
            ("window", int(configuration.window)),
            ("global_blocks", .array(configuration.globalBlocks.map(int))),
        ])
    }

    /// - Throws: `.malformed` for sizes out of range or that do not divide.
    static func windowedConfiguration(_ json: JSONValue, file: String) throws(DataError) -> ViTDetConfiguration {
        let fields = ArchitectureFields(json: json, file: file)
        let depth = try fields.int("depth", 1...1024)
        let result = ViTDetConfiguration(
            imageSize: try fields.int("image_size", 1...8192),
            pretrainedSize: try fields.int("pretrained_size", 1...8192),
            patchSize: try fields.int("patch_size", 1...512), width: try fields.int("width", 1...65536), depth: depth,
            headCount: try fields.int("head_count", 1...1024), mlpRatio: try fields.double("mlp_ratio", 1e-3...64),
            window: try fields.int("window", 1...1024),
            globalBlocks: try fields.ints("global_blocks", 0...depth - 1), dropPath: 0)
        guard result.imageSize % result.patchSize == 0, result.pretrainedSize % result.patchSize == 0,
            result.width % result.headCount == 0
        else { throw malformed(file, "whole patches and whole heads", json.text()) }
        return result
    }
}
