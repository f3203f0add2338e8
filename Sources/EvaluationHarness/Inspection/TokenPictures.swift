import Autograd
import DenseData
import Geometry
import ImageFiles
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// `dmt inspect attention`: what one token takes from each patch, head by head.
public struct TokenPictures: Sendable {
    /// Whose attention is drawn.
    public enum Query: Sendable, Equatable {
        case classToken
        /// The patch at a pixel of the picture as the backbone sees it.
        case patch(x: Int, y: Int)

        /// - Parameter text: `cls`, or `x,y` in pixels.
        public init?(_ text: String) {
            if text == "cls" {
                self = .classToken
                return
            }
            let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            guard numbers.count == 2, let x = numbers[0], let y = numbers[1], x >= 0, y >= 0 else { return nil }
            self = .patch(x: x, y: y)
        }

        var words: String {
            switch self {
            case .classToken: "cls"
            case .patch(let x, let y): "\(x),\(y)"
            }
        }
    }

    /// A backbone's file, or with `source` a published checkpoint.
    public var checkpoint: String
    public var source: CheckpointSource?
    public var images: String
    /// Pixels a side; the checkpoint's own unless given.
    public var size: Int?
    /// From 1; the last unless given.
    public var block: Int?
    public var query = Query.classToken
    /// Lays the maps over the picture, smoothly, instead of drawing them as squares.
    public var overlays = false
    /// A folder, which is created.
    public var out: String

    public init(checkpoint: String, images: String, out: String) {
        self.checkpoint = checkpoint
        self.images = images
        self.out = out
    }

    static func folder(_ path: String) throws(DataError) -> PictureFolder {
        try PictureFolder(
            name: "images", split: "all", root: path, allowsLinks: true, store: PictureStore(budget: 0))
    }

    /// - Throws: `.malformed` where a network makes no numbers of a picture: they have no colour.
    static func demandNumbers(_ values: [Float], _ picture: String, _ checkpoint: String) throws(DataError) {
        guard !values.allSatisfy(\.isFinite) else { return }
        throw DataError(
            .malformed, file: checkpoint, record: picture, expected: "finite numbers for this picture",
            found: "NaN or infinity", remedy: "use a checkpoint of a training that did not diverge")
    }

    static func fileName(_ folder: PictureFolder, _ index: Int) -> String {
        SegmentationInference.fileName(folder.name(at: index)).replacing("/", with: "_")
    }

    /// Writes one PNG a picture: the picture as the backbone sees it, the mean of the heads, then each head.
    ///
    /// - Throws: `DataError` for checkpoint, pictures, a block that there is not, a query outside the picture, a size that
    ///   the patch does not divide, and the output.
    public func run(_ session: CommandSession) throws -> JSONValue {
        let folder = try Self.folder(images)
        let backbone = try CheckpointFile.loadBackbone(checkpoint, source: source)
        let side = size ?? backbone.configuration.imageSize
        try backbone.demand(side: side)
        let block = block ?? backbone.depth
        guard (1...backbone.depth).contains(block) else {
            throw DataError(
                .configuration, file: "options", record: "block", expected: "1 to \(backbone.depth)",
                found: "\(block)", remedy: "name a block of the network")
        }
        let grid = side / backbone.patchSize
        let patch = try place(backbone.patchSize, grid, side)
        try Folder.create(out)
        let progress = session.progress("attention", total: folder.count, unit: "picture")
        for index in 0..<folder.count {
            var seen = FeatureInspection.fitted(try folder.sample(at: index).picture, side)
            let images = Variable(Normalisation.imageNet.batch([seen]))
            let maps = backbone.attention(of: images, block: block - 1, patch: patch).floats()
            try Self.demandNumbers(maps, folder.name(at: index), checkpoint)
            let drawn = heatMaps(maps, heads: backbone.headCount, grid, over: seen)
            if let patch {
                let (left, top) = (patch % grid * backbone.patchSize, patch / grid * backbone.patchSize)
                seen.frame(
                    Box(cocoXYWH: Double(left), Double(top), Double(backbone.patchSize), Double(backbone.patchSize)),
                    Palette.missed)
            }
            try AtomicFile.write(
                PNGFile.encode(Picture.row([seen] + drawn)), to: "\(out)/\(Self.fileName(folder, index))",
                durability: .renamed)
            progress.advance()
        }
        progress.finish()
        session.name(files: [out])
        return .object([
            ("schema_version", .int(1)), ("kind", .string("attention")), ("out", .string(out)),
            ("pictures", .int(Int64(folder.count))), ("size", .int(Int64(side))), ("block", .int(Int64(block))),
            ("query", .string(query.words)),
        ])
    }

    /// The query's patch; nil for the class token.
    private func place(_ patchSize: Int, _ grid: Int, _ side: Int) throws(DataError) -> Int? {
        guard case .patch(let x, let y) = query else { return nil }
        guard x < side, y < side else {
            throw DataError(
                .configuration, file: "options", record: "query", expected: "a pixel of \(side) x \(side)",
                found: query.words, remedy: "choose a pixel of the picture as the network sees it")
        }
        return y / patchSize * grid + x / patchSize
    }

    /// The mean of the heads, then each; each map is scaled to its own largest value.
    private func heatMaps(_ attention: [Float], heads: Int, _ grid: Int, over seen: Picture) -> [Picture] {
        let count = grid * grid
        let each = (0..<heads).map { Array(attention[$0 * count..<($0 + 1) * count]) }
        let mean = (0..<count).map { patch in each.reduce(0) { $0 + $1[patch] } / Float(heads) }
        return ([mean] + each).map { map in
            let largest = max(map.max() ?? 0, 1e-12)
            let shares = map.map { $0 / largest }
            return overlays ? Self.overlay(shares, grid, on: seen) : Self.squares(shares, grid, seen.height)
        }
    }

    /// From black over red to yellow, each patch a square.
    private static func squares(_ shares: [Float], _ grid: Int, _ side: Int) -> Picture {
        var small = Picture(height: grid, width: grid)
        for (patch, share) in shares.enumerated() {
            let (red, green, _) = colour(share)
            small.pixels[3 * patch] = red
            small.pixels[3 * patch + 1] = green
        }
        return small.resizedNearest(to: ImageSize(height: side, width: side))
    }

    private static func colour(_ share: Float) -> RGB {
        (UInt8(min(1, 2 * share) * 255), UInt8(max(0, 2 * share - 1) * 255), 0)
    }

    /// The picture in grey, mixed with the colours of a smooth map as far as it is high.
    private static func overlay(_ shares: [Float], _ grid: Int, on seen: Picture) -> Picture {
        let small = Picture(
            height: grid, width: grid,
            pixels: shares.flatMap { [UInt8]([UInt8](repeating: UInt8(($0 * 255).rounded()), count: 3)) })
        let smooth = Framing(
            of: ImageSize(height: grid, width: grid),
            squeezedTo: ImageSize(height: seen.height, width: seen.width)
        ).picture(small, filter: .bilinearAntialiased)
        var result = seen
        for pixel in 0..<seen.height * seen.width {
            let at = 3 * pixel
            let grey = UInt8((Int(seen.pixels[at]) + Int(seen.pixels[at + 1]) + Int(seen.pixels[at + 2])) / 3)
            let (y, x) = (pixel / seen.width, pixel % seen.width)
            result.set(y, x, (grey, grey, grey))
            let share = Float(smooth.pixels[at]) / 255
            result.mix(y, x, colour(share), 0.8 * Double(share))
        }
        return result
    }
}
