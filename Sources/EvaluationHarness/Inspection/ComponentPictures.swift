import Autograd
import DenseData
import Foundation
import Geometry
import ImageFiles
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// `dmt inspect pca`: the first three principal components of patch tokens as red, green and blue.
public struct ComponentPictures: Sendable {
    /// How a coordinate becomes a colour.
    public enum Scaling: String, Sendable, CaseIterable {
        /// The middle 98 % of the fitted patches' coordinates fill the colour; what lies beyond is cut off.
        case percentile
        /// `1 / (1 + exp(-2 z))`, as DINOv3's pictures of whitened coordinates.
        case sigmoid
    }

    /// A backbone's file, or with `source` a published checkpoint.
    public var checkpoint: String
    public var source: CheckpointSource?
    /// Pictures that are drawn.
    public var images: String
    /// Pictures that the components are fitted on; those that are drawn unless given.
    public var fitOn: String?
    /// A `basis.safetensors` to use instead of fitting.
    public var basis: String?
    /// Which side of the first component is foreground: `high` or `low`. Its patches get components of their own, the
    /// others are black.
    public var foreground: String?
    /// Divides each coordinate by its deviation over the fitted patches.
    public var whitens = false
    public var scaling = Scaling.percentile
    /// Pixels a side; the checkpoint's own unless given.
    public var size: Int?
    /// A folder, which is created.
    public var out: String

    public static let foregroundNames = ComponentBasis.Foreground.allCases.map(\.rawValue)

    public init(checkpoint: String, images: String, out: String) {
        self.checkpoint = checkpoint
        self.images = images
        self.out = out
    }

    /// Writes one PNG a picture, the picture as the backbone sees it beside its components, and `basis.safetensors`.
    ///
    /// - Throws: `DataError` for checkpoint, pictures, basis, a size that the patch does not divide, and the output.
    public func run(_ session: CommandSession) throws -> JSONValue {
        let backbone = try CheckpointFile.loadBackbone(checkpoint, source: source)
        let side = size ?? backbone.configuration.imageSize
        try backbone.demand(side: side)
        let drawn = try TokenPictures.folder(images)
        let digest = try CheckpointFile.hash(checkpoint)
        var kept: [[Float]]?
        let fitted: ComponentBasis
        if let basis {
            let (loaded, metadata) = try ComponentBasis.load(basis, width: backbone.width)
            if metadata["dmt.checkpoint.sha256"] != digest {
                session.note("\(basis) was fitted on tokens of another checkpoint")
            }
            fitted = loaded
        } else {
            let patches = try patches(backbone, fitOn.map(TokenPictures.folder) ?? drawn, side, "fit", session)
            if fitOn == nil { kept = patches }
            fitted = try ComponentBasis(
                patches, width: backbone.width, foreground: foreground.flatMap(ComponentBasis.Foreground.init),
                file: fitOn ?? images)
        }
        try Folder.create(out)
        try fitted.write(
            [
                "dmt.tool": "dmt \(BuildInfo.version)", "dmt.checkpoint.sha256": digest, "dmt.size": "\(side)",
                "dmt.rule": "entry of largest size positive; ranges are the middle 98 % of the fitted patches",
            ], to: "\(out)/basis.safetensors")
        let grid = side / backbone.patchSize
        let progress = session.progress("draw", total: drawn.count, unit: "picture")
        for index in 0..<drawn.count {
            let seen = FeatureInspection.fitted(try drawn.sample(at: index).picture, side)
            let tokens = try kept?[index] ?? self.tokens(backbone, seen, drawn.name(at: index))
            let colours = colours(tokens, fitted, grid).resizedNearest(to: ImageSize(height: side, width: side))
            try AtomicFile.write(
                PNGFile.encode(Picture.row([seen, colours])), to: "\(out)/\(TokenPictures.fileName(drawn, index))",
                durability: .renamed)
            progress.advance()
        }
        progress.finish()
        session.name(files: [out])
        func numbers(_ components: PrincipalComponents) -> JSONValue {
            .array(components.variances.map { .double($0) })
        }
        return .object([
            ("schema_version", .int(1)), ("kind", .string("components")), ("out", .string(out)),
            ("pictures", .int(Int64(drawn.count))), ("size", .int(Int64(side))),
            ("basis", .string("\(out)/basis.safetensors")), ("variances", numbers(fitted.all)),
            ("foreground", fitted.foreground.map { .string($0.side.rawValue) } ?? .null),
            ("foreground_variances", fitted.foreground.map { numbers($0.components) } ?? .null),
            ("scaling", .string(scaling.rawValue)), ("whitened", .bool(whitens)),
        ])
    }

    /// Patch tokens after the final norm, one array a picture: class token and registers are not among them.
    private func patches(
        _ backbone: VisionTransformer, _ folder: PictureFolder, _ side: Int, _ label: String, _ session: CommandSession
    ) throws -> [[Float]] {
        let progress = session.progress(label, total: folder.count, unit: "picture")
        defer { progress.finish() }
        return try (0..<folder.count).map { index in
            let picture = FeatureInspection.fitted(try folder.sample(at: index).picture, side)
            let tokens = try self.tokens(backbone, picture, folder.name(at: index))
            progress.advance()
            return tokens
        }
    }

    private func tokens(_ backbone: VisionTransformer, _ seen: Picture, _ name: String) throws(DataError) -> [Float] {
        let tokens = backbone.tokens(of: Variable(Normalisation.imageNet.batch([seen])), .evaluation)
        let values = tokens.patches.value.floats()
        try TokenPictures.demandNumbers(values, name, checkpoint)
        return values
    }

    /// One pixel a patch.
    private func colours(_ tokens: [Float], _ basis: ComponentBasis, _ grid: Int) -> Picture {
        var picture = Picture(height: grid, width: grid)
        let count = PrincipalComponents.count
        let components = basis.foreground?.components ?? basis.all
        let coordinates = components.coordinates(tokens)
        let first = basis.foreground.map { _ in basis.all.coordinates(tokens) }
        for patch in 0..<grid * grid {
            if let first, let side = basis.foreground?.side, !side.contains(first[patch * count]) { continue }
            for channel in 0..<count {
                let value = shade(coordinates[patch * count + channel], components, channel)
                picture.pixels[3 * patch + channel] = UInt8((value * 255).rounded())
            }
        }
        return picture
    }

    /// From 0 to 1.
    private func shade(_ coordinate: Double, _ components: PrincipalComponents, _ channel: Int) -> Double {
        let deviation = components.variances[channel].squareRoot()
        let scale = whitens && deviation > 0 ? 1 / deviation : 1
        switch scaling {
        case .percentile:
            // Whitening moves the ends along with the coordinate.
            let range = components.ranges[channel]
            let span = range.upperBound - range.lowerBound
            return span > 0 ? min(max((coordinate - range.lowerBound) / span, 0), 1) : 0.5
        case .sigmoid: return 1 / (1 + exp(-2 * coordinate * scale))
        }
    }
}
