import Geometry
import ImageFiles
import SafeFiles

/// ImageNet's layout: one folder for each class, pictures inside. Classes are the folder names in byte order.
public struct ClassFolder: FolderLoader, ClassificationLoader {
    public static let kind = DatasetDescriptor.Kind.classFolder
    public let info: DatasetInfo
    private let root: RootedPath
    private let items: [(name: String, label: Int)]
    let store: PictureStore

    /// - Throws: `.missing` when there is no class folder or no picture in one of them.
    public init(
        name: String, split: String, root: String, allowsLinks: Bool = false,
        imageList: (file: String, names: [String])? = nil, store: PictureStore = PictureStore()
    ) throws(DataError) {
        self.root = try RootedPath(root: root, allowsLinks: allowsLinks)
        let classes = try Folder.entries(root).filter { Folder.exists("\(root)/\($0)") }
        guard !classes.isEmpty else {
            throw DataError(
                .missing, file: root, expected: "one folder for each class", found: "no folders",
                remedy: "check the data set's root")
        }
        var all: [(name: String, label: Int)] = []
        for (label, folder) in classes.enumerated() {
            for file in try ImageList.pictures(of: self.root, in: folder) { all.append(("\(folder)/\(file)", label)) }
        }
        if let imageList {
            let chosen = try ImageList.restrict(all.map(\.name), to: imageList.names, file: imageList.file)
            items = chosen.map { all[$0] }
        } else {
            items = all
        }
        info = DatasetInfo(name: name, split: split, classes: classes)
        self.store = store
    }

    public var count: Int { items.count }
    public func name(at index: Int) -> String { items[index].name }
    public func label(at index: Int) -> Int { items[index].label }

    public func sample(at index: Int) throws(DataError) -> ClassificationSample {
        let item = items[index]
        let picture = try store.picture(at: root.resolve(item.name, in: root.root))
        return ClassificationSample(name: item.name, picture: picture, label: item.label)
    }

    public func view(
        at index: Int, filter: Resize.Filter, framing: (ImageSize) -> Framing
    ) throws(DataError) -> Picture {
        try store.view(at: root.resolve(items[index].name, in: root.root), filter: filter, framing: framing)
    }

    public func files() throws(DataError) -> [String] {
        var paths: [String] = []
        for item in items { paths.append(try root.resolve(item.name, in: root.root)) }
        return paths
    }
}
