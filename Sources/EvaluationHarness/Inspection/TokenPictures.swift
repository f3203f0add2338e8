import Autograd
import DenseData
import ImageFiles
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore
import VisionBackbones

/// Pictures of what a backbone's tokens say: principal components as colours, or the class token's attention.
public struct TokenPictures: Sendable {
    public enum Kind: String, Sendable {
        case components, attention
    }

    public var kind: Kind
    /// A backbone's file, or with `source` a published checkpoint.
    public var checkpoint: String
    public var source: CheckpointSource?
    public var images: String
    /// Pixels a side; the checkpoint's own unless given.
    public var size: Int?
    /// A folder, which is created.
    public var out: String

    public init(kind: Kind, checkpoint: String, images: String, out: String) {
        self.kind = kind
        self.checkpoint = checkpoint
        self.images = images
        self.out = out
    }

    /// Writes one PNG a picture: the picture as the backbone sees it, then the maps, side by side.
    ///
    /// - Throws: `DataError` for checkpoint, pictures, a size that the patch does not divide, and the output.
    public func run(_ session: CommandSession) throws -> JSONValue {
        let folder = try PictureFolder(
            name: "images", split: "all", root: images, allowsLinks: true, store: PictureStore(budget: 0))
        let backbone = try CheckpointFile.loadBackbone(checkpoint, source: source)
        let side = size ?? backbone.configuration.imageSize
        try backbone.demand(side: side)
        try Folder.create(out)
        let grid = side / backbone.patchSize
        let progress = session.progress(kind.rawValue, total: folder.count, unit: "picture")
        var (seen, maps) = ([Picture](), [[Float]]())
        for index in 0..<folder.count {
            let picture = FeatureInspection.fitted(try folder.sample(at: index).picture, side)
            let images = Variable(Normalisation.imageNet.batch([picture]))
            switch kind {
            case .components: maps.append(backbone.tokens(of: images, .evaluation).patches.value.floats())
            case .attention: maps.append(backbone.lastAttention(of: images).floats())
            }
            seen.append(picture)
            progress.advance()
        }
        progress.finish()
        let drawn: [[Picture]]
        switch kind {
        case .components:
            let components = PrincipalComponents(maps, width: backbone.width)
            drawn = maps.map { [Self.colours(components.coordinates($0), components.ranges, grid, side)] }
        case .attention: drawn = maps.map { Self.heatMaps($0, heads: backbone.headCount, grid, side) }
        }
        for (index, extra) in drawn.enumerated() {
            let name = SegmentationInference.fileName(folder.name(at: index)).replacing("/", with: "_")
            try AtomicFile.write(PNGFile.encode(Self.row([seen[index]] + extra)), to: "\(out)/\(name)")
        }
        session.name(files: [out])
        return .object([
            ("schema_version", .int(1)), ("kind", .string(kind.rawValue)), ("out", .string(out)),
            ("pictures", .int(Int64(folder.count))), ("size", .int(Int64(side))),
        ])
    }

    /// Three coordinates a patch as red, green and blue between the given ranges.
    private static func colours(
        _ coordinates: [Double], _ ranges: [ClosedRange<Double>], _ grid: Int, _ side: Int
    ) -> Picture {
        var small = Picture(height: grid, width: grid)
        for (index, value) in coordinates.enumerated() {
            let range = ranges[index % 3]
            let share = (value - range.lowerBound) / max(range.upperBound - range.lowerBound, 1e-12)
            small.pixels[index] = UInt8(min(max(share, 0), 1) * 255)
        }
        return enlarged(small, side)
    }

    /// The mean of the heads, then each, from black over red to yellow.
    private static func heatMaps(_ attention: [Float], heads: Int, _ grid: Int, _ side: Int) -> [Picture] {
        let count = grid * grid
        let each = (0..<heads).map { Array(attention[$0 * count..<($0 + 1) * count]) }
        let mean = (0..<count).map { patch in each.reduce(0) { $0 + $1[patch] } / Float(heads) }
        return ([mean] + each).map { map in
            let largest = max(map.max() ?? 0, 1e-12)
            var small = Picture(height: grid, width: grid)
            for (patch, value) in map.enumerated() {
                let share = value / largest
                small.pixels[3 * patch] = UInt8(min(1, 2 * share) * 255)
                small.pixels[3 * patch + 1] = UInt8(max(0, 2 * share - 1) * 255)
            }
            return enlarged(small, side)
        }
    }

    /// Each patch as a square.
    private static func enlarged(_ small: Picture, _ side: Int) -> Picture {
        var result = Picture(height: side, width: side)
        for y in 0..<side {
            for x in 0..<side {
                let from = 3 * (y * small.height / side * small.width + x * small.width / side)
                for c in 0..<3 { result.pixels[3 * (y * side + x) + c] = small.pixels[from + c] }
            }
        }
        return result
    }

    private static func row(_ pictures: [Picture]) -> Picture {
        let height = pictures[0].height
        let width = pictures.reduce(0) { $0 + $1.width }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * height * width)
        for y in 0..<height {
            for picture in pictures { pixels += picture.pixels[3 * y * picture.width..<3 * (y + 1) * picture.width] }
        }
        return Picture(height: height, width: width, pixels: pixels)
    }
}
