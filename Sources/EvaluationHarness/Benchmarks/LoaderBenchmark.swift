import DenseData
import Determinism
import Geometry
import ImageFiles
import SafeFiles
import TensorCore

/// Times what the pictures of a step cost: JPEG files that lie in memory, decoded, resized and normalised.
///
/// Each picture's short side becomes `size * 256 / 224` pixels, the middle square of `size` is kept and normalised to f32:
/// the usual classification view. Every picture is worked on by one thread.
public struct LoaderBenchmark: Sendable {
    /// Pictures drawn where no folder is given.
    public static let drawnCount = 48

    public let pictures: [EncodedPicture]
    /// Pixels a side of the result.
    public var size: Int
    public var filter: Resize.Filter
    /// Decodes at a half, a quarter or an eighth where the short side stays large enough: not exact.
    public var isScaled: Bool
    /// Passes over all pictures that are timed, after one that is not.
    public var passes: Int

    /// - Parameter folder: a folder of JPEG files, searched four levels deep; `nil` draws scenes of 375 x 500 pixels.
    /// - Throws: `.missing` for no such folder and one without pictures; `.malformed` for a file that is no JPEG or cannot
    ///   be decoded; `.configuration` for counts below 1.
    public init(
        folder: String?, size: Int = 224, filter: Resize.Filter = .bilinearAntialiased, isScaled: Bool = false,
        passes: Int = 5, seed: UInt64 = 0
    ) throws {
        guard size >= 1, passes >= 1 else {
            throw DataError(
                .configuration, file: "options", expected: "a size and passes of at least 1",
                found: "size \(size), passes \(passes)", remedy: "choose other values")
        }
        self.size = size
        self.filter = filter
        self.isScaled = isScaled
        self.passes = passes
        pictures = try folder.map(Self.files) ?? Self.drawn(seed: seed)
    }

    /// The names of filters, for arguments.
    public static var filterNames: [String] { Resize.Filter.allCases.map(\.rawValue) }

    /// As the other one, with the filter by its name.
    ///
    /// - Precondition: `filterName` is one of `filterNames`.
    public init(
        folder: String?, size: Int, filterName: String, isScaled: Bool, passes: Int, seed: UInt64
    ) throws {
        try self.init(
            folder: folder, size: size, filter: Resize.Filter(rawValue: filterName)!, isScaled: isScaled,
            passes: passes, seed: seed)
    }

    private static func files(of folder: String) throws -> [EncodedPicture] {
        let paths = try PictureFolder(name: "pictures", split: "bench", root: folder).files()
        return try ParallelMap.map(paths.count) { index in
            let picture = try EncodedPicture(paths[index])
            guard picture.isJPEG else {
                throw DataError(
                    .malformed, file: paths[index], expected: "a JPEG file", found: "a PNG file",
                    remedy: "name a folder of JPEG files alone")
            }
            return picture
        }
    }

    private static func drawn(seed: UInt64) throws -> [EncodedPicture] {
        try ParallelMap.map(drawnCount) { index in
            let scene = DrawnScene(seed: seed, split: "bench", index: index, size: 500).picture
            let picture = Window(top: 62, left: 0, height: 375, width: 500).cut(scene)
            return try EncodedPicture(JPEGFile.encode(picture, quality: 90), file: "drawn picture \(index)")
        }
    }

    var shortSide: Int { (size * 256 + 112) / 224 }

    private func framing(of size: (height: Int, width: Int)) -> Framing {
        Framing(of: ImageSize(height: size.height, width: size.width), shortSide: shortSide, centreCrop: self.size)
    }

    /// The view as 8-bit samples.
    func view(_ file: EncodedPicture) throws(DataError) -> Picture {
        let short = (height: shortSide, width: shortSide)
        guard isScaled, file.divisor(atLeast: short) > 1 else {
            return try framing(of: (file.height, file.width)).picture(of: file, filter: filter)
        }
        let picture = try file.decoded(atLeast: short)
        return framing(of: (picture.height, picture.width)).picture(picture, filter: filter)
    }

    /// Runs all passes, then one on a single thread that tells the stages apart.
    ///
    /// - Parameter onPass: called after every pass.
    /// - Throws: `.malformed` for a picture that cannot be decoded.
    public func run(onPass: () -> Void = {}) throws -> LoaderTiming {
        var seconds: [Double] = []
        for pass in 0...passes {
            let time = try Self.time {
                _ = try ParallelMap.map(pictures.count) { index in normalised(try view(pictures[index])).shape[1] }
            }
            if pass > 0 { seconds.append(time) }
            onPass()
        }
        return LoaderTiming(
            benchmark: self, threads: Parallel.threadCount, secondsPerPass: seconds, stageSeconds: try stages())
    }

    /// `(1, size, size, 3)`.
    private func normalised(_ view: Picture) -> Tensor {
        let result = Tensor(uninitialized: [1, view.height, view.width, 3])
        Normalisation.imageNet.fill(result.f32(), with: view)
        return result
    }

    /// Seconds of all pictures on one thread.
    private func stages() throws -> LoaderTiming.Stages {
        var stages = LoaderTiming.Stages(decode: 0, resize: 0, normalise: 0)
        let short = (height: shortSide, width: shortSide)
        for file in pictures {
            var (part, view): (Picture?, Picture?)
            if isScaled, file.divisor(atLeast: short) > 1 {
                stages.decode += try Self.time { part = try file.decoded(atLeast: short) }
                let framing = framing(of: (part!.height, part!.width))
                stages.resize += Self.time { view = framing.picture(part!, filter: filter) }
            } else {
                let framing = framing(of: (file.height, file.width))
                let window = framing.window(filter)
                stages.decode += try Self.time { part = try file.decoded(window) }
                stages.resize += Self.time { view = framing.picture(ofWindow: part!, filter: filter) }
            }
            stages.normalise += Self.time { _ = normalised(view!) }
        }
        return stages
    }

    private static func time(_ body: () throws -> Void) rethrows -> Double {
        let time = try ContinuousClock().measure(body)
        return time.seconds
    }
}
