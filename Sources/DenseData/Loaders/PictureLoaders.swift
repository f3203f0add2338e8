import Geometry
import ImageFiles
import SafeFiles

/// A picture and its class.
public struct ClassificationSample: Sendable, Equatable {
    public var name: String
    public var picture: Picture
    /// Index into the data set's classes.
    public var label: Int
}

/// Pictures with one class each, however they are stored.
public protocol ClassificationLoader: DatasetLoader where Sample == ClassificationSample {
    /// The class of a sample, without reading its picture.
    func label(at index: Int) -> Int
    /// A view of a sample's picture; of a picture that is not kept in memory, only what the view shows is decoded.
    ///
    /// - Parameter framing: of a picture of the given size.
    func view(at index: Int, filter: Resize.Filter, framing: (ImageSize) -> Framing) throws(DataError) -> Picture
}

/// A picture without any label.
public struct UnlabelledSample: Sendable, Equatable {
    public var name: String
    public var picture: Picture
}

/// Pictures without labels, however they are stored.
public protocol UnlabelledLoader: DatasetLoader where Sample == UnlabelledSample {}

extension DatasetLoader {
    /// Samples that cannot be read, in order.
    public func findings() -> [Finding] {
        Finding.collect(count) { index in
            do throws(DataError) { _ = try sample(at: index) } catch { return [Finding(error)] }
            return []
        }
    }
}

extension DatasetDescriptor {
    /// Opens a split of pictures with classes: a class folder or tar shards.
    ///
    /// - Parameter folder: the descriptor's.
    public func classification(
        name: String, split: String, in folder: String, imageList: (file: String, names: [String])? = nil,
        store: PictureStore = PictureStore()
    ) throws(DataError) -> any ClassificationLoader {
        guard let shards = try shards(of: split, orKind: .classFolder) else {
            return try ClassFolder(self, name: name, split: split, in: folder, imageList: imageList, store: store)
        }
        return try ClassShards(
            name: name, split: split, root: rootPath(relativeTo: folder), shards: shards, classes: classes,
            allowsLinks: allowsLinks ?? false, imageList: imageList, store: store)
    }

    /// Opens a split of pictures without labels: a folder or tar shards.
    ///
    /// - Parameter folder: the descriptor's.
    public func unlabelled(
        name: String, split: String, in folder: String, imageList: (file: String, names: [String])? = nil,
        store: PictureStore = PictureStore()
    ) throws(DataError) -> any UnlabelledLoader {
        guard let shards = try shards(of: split, orKind: .pictures) else {
            return try PictureFolder(self, name: name, split: split, in: folder, imageList: imageList, store: store)
        }
        return try PictureShards(
            name: name, split: split, root: rootPath(relativeTo: folder), shards: shards,
            allowsLinks: allowsLinks ?? false, imageList: imageList, store: store)
    }

    /// The split's pattern of archives; nil for a section of the other kind.
    private func shards(of split: String, orKind other: Kind) throws(DataError) -> String? {
        let part = try self.split(split, kinds: [other, .tarShards])
        return kind == .tarShards ? part.shards ?? "" : nil
    }
}
