import ImageFiles
import SafeFiles

/// A data set that is nothing but a folder of pictures.
public protocol FolderLoader: DatasetLoader {
    /// The kind of descriptor split that names such a folder.
    static var kind: DatasetDescriptor.Kind { get }

    init(
        name: String, split: String, root: String, allowsLinks: Bool, imageList: (file: String, names: [String])?,
        store: PictureStore) throws(DataError)
}

extension FolderLoader {
    /// Opens a split of a descriptor; `folder` is the descriptor's folder.
    public init(
        _ descriptor: DatasetDescriptor, name: String, split: String, in folder: String,
        imageList: (file: String, names: [String])? = nil, store: PictureStore = PictureStore()
    ) throws(DataError) {
        let part = try descriptor.split(split, kinds: [Self.kind])
        try self.init(
            name: name, split: split, root: "\(descriptor.rootPath(relativeTo: folder))/\(part.images)",
            allowsLinks: descriptor.allowsLinks ?? false, imageList: imageList, store: store)
    }
}
