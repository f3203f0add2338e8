import ImageFiles
import SafeFiles

/// Pictures of a folder and its sub-folders, in byte order of their paths: pretraining and distillation data.
public struct PictureFolder: FolderLoader, UnlabelledLoader {
    public static let kind = DatasetDescriptor.Kind.pictures
    public let info: DatasetInfo
    private let root: RootedPath
    private let names: [String]
    private let store: PictureStore

    public init(
        name: String, split: String, root: String, allowsLinks: Bool = false,
        imageList: (file: String, names: [String])? = nil, store: PictureStore = PictureStore()
    ) throws(DataError) {
        self.root = try RootedPath(root: root, allowsLinks: allowsLinks)
        let all = try ImageList.pictures(of: self.root, depth: 4)
        if let imageList {
            names = try ImageList.restrict(all, to: imageList.names, file: imageList.file).map { all[$0] }
        } else {
            names = all
        }
        info = DatasetInfo(name: name, split: split, classes: [])
        self.store = store
    }

    public var count: Int { names.count }
    public func name(at index: Int) -> String { names[index] }

    public func sample(at index: Int) throws(DataError) -> UnlabelledSample {
        UnlabelledSample(
            name: names[index], picture: try store.picture(at: root.resolve(names[index], in: root.root)))
    }

    public func files() throws(DataError) -> [String] {
        var paths: [String] = []
        for name in names { paths.append(try root.resolve(name, in: root.root)) }
        return paths
    }
}
