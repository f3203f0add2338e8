import ImageFiles
import SafeFiles

/// A picture and its label map, in training labels: 0...K-1, or the ignore label.
public struct SegmentationSample: Sendable, Equatable {
    public var name: String
    public var picture: Picture
    public var labels: LabelImage
}

/// ADE20K's scene parsing layout: a folder of pictures and a folder of 8-bit label PNGs with the same stems.
///
/// The one place where stored labels become training labels: with `reducesZeroLabel`, 0 becomes the ignore label and
/// 1...K become 0...K-1; without, 0...K-1 stay. The stored ignore label stays what it is in both cases.
public struct SegmentationFolder: DatasetLoader {
    public let info: DatasetInfo
    public let reducesZeroLabel: Bool
    private let images, labels: RootedPath
    private let names: [String]
    private let store: PictureStore

    /// - Parameters:
    ///   - classes: names in label order.
    ///   - imageList: restricts the data set to the named pictures; its file name for messages.
    /// - Throws: `.missing` for absent folders, `.configuration` for an ignore label among the classes.
    public init(
        name: String, split: String, images: String, labels: String, classes: [String], reducesZeroLabel: Bool = true,
        ignoreLabel: UInt16 = 255, allowsLinks: Bool = false, imageList: (file: String, names: [String])? = nil,
        store: PictureStore = PictureStore()
    ) throws(DataError) {
        guard Int(ignoreLabel) >= classes.count else {
            throw DataError(
                .configuration, file: images, expected: "an ignore label outside 0...\(classes.count - 1)",
                found: "\(ignoreLabel)", remedy: "choose another ignore label: inside, it would hide a class")
        }
        self.images = try RootedPath(root: images, allowsLinks: allowsLinks)
        self.labels = try RootedPath(root: labels, allowsLinks: allowsLinks)
        let all = try ImageList.pictures(of: self.images)
        if let imageList {
            names = try ImageList.restrict(all, to: imageList.names, file: imageList.file).map { all[$0] }
        } else {
            names = all
        }
        info = DatasetInfo(name: name, split: split, classes: classes, ignoreLabel: ignoreLabel)
        self.reducesZeroLabel = reducesZeroLabel
        self.store = store
    }

    /// Opens a split of a descriptor; `folder` is the descriptor's folder.
    public init(
        _ descriptor: DatasetDescriptor, name: String, split: String, in folder: String,
        imageList: (file: String, names: [String])? = nil, store: PictureStore = PictureStore()
    ) throws(DataError) {
        let part = try descriptor.split(split, kinds: [.ade20k])
        let root = descriptor.rootPath(relativeTo: folder)
        guard let labels = part.labels else {
            throw DataError(
                .configuration, file: root, record: "split \(split)", expected: "labels: FOLDER", found: "no such key",
                remedy: "add the label folder to the descriptor")
        }
        try self.init(
            name: name, split: split, images: "\(root)/\(part.images)", labels: "\(root)/\(labels)",
            classes: Self.classes(descriptor, root: root), reducesZeroLabel: descriptor.reducesZeroLabel ?? true,
            ignoreLabel: UInt16(clamping: descriptor.ignoreLabel ?? 255), allowsLinks: descriptor.allowsLinks ?? false,
            imageList: imageList, store: store)
    }

    private static func classes(_ descriptor: DatasetDescriptor, root: String) throws(DataError) -> [String] {
        if let file = descriptor.classes { return try ClassNames.read("\(root)/\(file)") }
        guard let file = try Folder.entries(root).first(where: { $0.hasPrefix("objectInfo") && $0.hasSuffix(".txt") })
        else {
            throw DataError(
                .missing, file: root, expected: "objectInfo150.txt or `classes:` in the descriptor", found: "neither",
                remedy: "put the class list there")
        }
        return try ClassNames.read("\(root)/\(file)")
    }

    public var count: Int { names.count }
    /// Whether files may be symbolic links that lead out of the folders.
    public var allowsLinks: Bool { labels.allowsLinks }
    public func name(at index: Int) -> String { names[index] }

    /// The label file of a sample.
    /// - Throws: `.missing` when it does not exist.
    public func labelPath(at index: Int) throws(DataError) -> String {
        try labels.resolve(ImageList.stem(names[index]) + ".png", in: images.root, record: names[index])
    }

    public func picture(at index: Int) throws(DataError) -> Picture {
        try store.picture(at: images.resolve(names[index], in: images.root))
    }

    /// The label map in training labels.
    /// - Throws: `.malformed` for a label that is no class, naming the pixel.
    public func labels(at index: Int) throws(DataError) -> LabelImage {
        let path = try labelPath(at: index)
        var map = try PictureFile.loadLabels(path, limits: store.limits)
        try Self.convert(
            &map, classCount: info.classes.count, ignoreLabel: info.ignoreLabel!, reducesZeroLabel: reducesZeroLabel,
            file: path)
        return map
    }

    public func sample(at index: Int) throws(DataError) -> SegmentationSample {
        let picture = try picture(at: index)
        let map = try labels(at: index)
        guard (picture.height, picture.width) == (map.height, map.width) else {
            throw DataError(
                .malformed, file: try labelPath(at: index),
                expected: "the picture's size, \(picture.height)x\(picture.width)",
                found: "\(map.height)x\(map.width)", remedy: "make the label again at the picture's size")
        }
        return SegmentationSample(name: names[index], picture: picture, labels: map)
    }

    /// Stored labels to training labels, in place.
    static func convert(
        _ map: inout LabelImage, classCount: Int, ignoreLabel: UInt16, reducesZeroLabel: Bool, file: String
    ) throws(DataError) {
        var table = [UInt16?](repeating: nil, count: 65536)
        for label in 0..<classCount { table[label + (reducesZeroLabel ? 1 : 0)] = UInt16(label) }
        if reducesZeroLabel { table[0] = ignoreLabel }
        if table[Int(ignoreLabel)] == nil { table[Int(ignoreLabel)] = ignoreLabel }
        for pixel in map.values.indices {
            let stored = map.values[pixel]
            guard let label = table[Int(stored)] else {
                let range = reducesZeroLabel ? "0...\(classCount)" : "0...\(classCount - 1)"
                throw DataError(
                    .malformed, file: file, record: "pixel x \(pixel % map.width) y \(pixel / map.width)",
                    expected: "a label in \(range) or \(ignoreLabel)", found: "\(stored)",
                    remedy: "check that the class list belongs to these labels")
            }
            map.values[pixel] = label
        }
    }

    public func files() throws(DataError) -> [String] {
        var paths: [String] = []
        for index in names.indices {
            paths.append(try images.resolve(names[index], in: images.root))
            paths.append(try labelPath(at: index))
        }
        return paths
    }

    public func findings() -> [Finding] {
        Finding.collect(count) { index in
            var found: [Finding] = []
            do throws(DataError) { _ = try picture(at: index) } catch { found.append(Finding(error)) }
            do throws(DataError) {
                let path = try labelPath(at: index)
                let bytes = try FileBytes.read(path, limit: store.limits.maxFileBytes)
                if try PNGFile.header(of: bytes, file: path).bitDepth == 16 {
                    found.append(Finding(file: path, problem: "expected an 8-bit label file, found 16 bits a sample"))
                }
                _ = found.isEmpty ? try sample(at: index).labels : try labels(at: index)
            } catch { found.append(Finding(error)) }
            return found
        }
    }
}
