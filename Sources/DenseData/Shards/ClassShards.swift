import Geometry
import ImageFiles
import SafeFiles

/// Pictures with their classes in plain tar archives, `KEY.jpg` beside `KEY.cls`. Nothing is unpacked: the headers are read
/// once, then each picture from its place.
public struct ClassShards: ClassificationLoader {
    public let info: DatasetInfo
    private let index: ShardIndex
    private let store: PictureStore

    /// Without class names, classes are called 0, 1, … up to the largest that occurs.
    private static let mostUnnamedClasses = 100_000

    /// - Parameters:
    ///   - shards: see `ShardPattern`; `root` is the folder it starts from.
    ///   - classes: a file below `root` with one name a line; line 1 is class 0.
    /// - Throws: `.missing` for archives that are not there; `.malformed`, naming archive and member, for what is no sample.
    public init(
        name: String, split: String, root: String, shards: String, classes: String? = nil, allowsLinks: Bool = false,
        imageList: (file: String, names: [String])? = nil, store: PictureStore = PictureStore()
    ) throws(DataError) {
        let folder = try RootedPath(root: root, allowsLinks: allowsLinks)
        let files = try ShardPattern.files(shards, in: folder, source: root)
        let named = try classes.map { file throws(DataError) in try Self.names(folder.resolve(file, in: root)) }
        let all = try ShardIndex(
            files, labels: .classes(count: named?.count ?? Self.mostUnnamedClasses), limits: store.limits)
        index = try all.restricted(to: imageList)
        info = DatasetInfo(
            name: name, split: split, classes: named ?? (0...max(0, all.largestLabel)).map(String.init))
        self.store = store
    }

    /// Predictions name classes, so that no two may share a name.
    private static func names(_ file: String) throws(DataError) -> [String] {
        let names = try ClassNames.read(file)
        var seen: [String: Int] = [:]
        for (place, name) in names.enumerated() {
            if let other = seen.updateValue(place, forKey: name) {
                throw DataError(
                    .malformed, file: file, record: "class \(place)", expected: "each name once",
                    found: "'\(name)' as class \(other), too",
                    remedy: "tell them apart, for example by WordNet ids as in n02012849 and n03126707")
            }
        }
        return names
    }

    public var count: Int { index.count }
    public func name(at index: Int) -> String { self.index.name(at: index) }
    public func label(at index: Int) -> Int { self.index.label(at: index) }

    public func sample(at index: Int) throws(DataError) -> ClassificationSample {
        ClassificationSample(
            name: name(at: index), picture: try store.picture(in: self.index, at: index), label: label(at: index))
    }

    public func view(
        at index: Int, filter: Resize.Filter, framing: (ImageSize) -> Framing
    ) throws(DataError) -> Picture {
        try self.index.decoding(index) { key, read throws(DataError) in
            try store.view(named: key, filter: filter, framing: framing, read)
        }
    }

    /// The archives.
    public func files() -> [String] { index.files }
}

/// Pictures in plain tar archives, without labels; see `ClassShards`.
public struct PictureShards: UnlabelledLoader {
    public let info: DatasetInfo
    private let index: ShardIndex
    private let store: PictureStore

    /// - Parameter shards: see `ShardPattern`; `root` is the folder it starts from.
    /// - Throws: `.missing` for archives that are not there; `.malformed`, naming archive and member, for what is no sample.
    public init(
        name: String, split: String, root: String, shards: String, allowsLinks: Bool = false,
        imageList: (file: String, names: [String])? = nil, store: PictureStore = PictureStore()
    ) throws(DataError) {
        let folder = try RootedPath(root: root, allowsLinks: allowsLinks)
        let files = try ShardPattern.files(shards, in: folder, source: root)
        index = try ShardIndex(files, labels: .none, limits: store.limits).restricted(to: imageList)
        info = DatasetInfo(name: name, split: split, classes: [])
        self.store = store
    }

    public var count: Int { index.count }
    public func name(at index: Int) -> String { self.index.name(at: index) }

    public func sample(at index: Int) throws(DataError) -> UnlabelledSample {
        UnlabelledSample(name: name(at: index), picture: try store.picture(in: self.index, at: index))
    }

    /// The archives.
    public func files() -> [String] { index.files }
}

extension PictureStore {
    fileprivate func picture(in shards: ShardIndex, at index: Int) throws(DataError) -> Picture {
        try shards.decoding(index) { key, read throws(DataError) in try picture(named: key, read) }
    }
}
