import Annotations
import Geometry
import ImageFiles
import SafeFiles

/// One object of a detection sample.
public struct DetectionObject: Sendable, Hashable {
    /// The annotation's id in the file.
    public var id: Int64
    /// Index into the data set's classes, not the category id.
    public var label: Int
    public var box: Box
    public var isCrowd: Bool
    public var segmentation: CocoSegmentation?
}

/// A picture and its objects.
public struct DetectionSample: Sendable {
    public var name: String
    public var imageID: Int64
    public var picture: Picture
    public var objects: [DetectionObject]
}

/// A COCO instances file and its pictures, in the file's order of images.
public struct DetectionDataset: DatasetLoader {
    public let info: DatasetInfo
    /// Category ids of the classes, in class order: `categoryIDs[label]` for results files.
    public let categoryIDs: [Int64]
    /// The instances file, for messages.
    public let annotationFile: String
    private let images: RootedPath
    private let items: [CocoImage]
    private let objects: [[DetectionObject]]
    private let unusable: [Finding]
    private let store: PictureStore

    /// Classes are the file's categories by ascending id. Annotations without a box of positive size are left out of
    /// samples (and are findings).
    ///
    /// - Throws: `DataError` for what the reader of instances files refuses, and for absent folders.
    public init(
        name: String, split: String, annotations: String, images: String, allowsLinks: Bool = false,
        imageList: (file: String, names: [String])? = nil, store: PictureStore = PictureStore()
    ) throws {
        self.images = try RootedPath(root: images, allowsLinks: allowsLinks)
        let truth = try CocoDataset.load(annotations, fields: [.segmentation, .names])
        let categories = truth.categories.sorted { $0.id < $1.id }
        let labels = Dictionary(uniqueKeysWithValues: categories.enumerated().map { ($1.id, $0) })
        var items = truth.images
        if let imageList {
            let chosen = try ImageList.restrict(items.map(\.fileName), to: imageList.names, file: imageList.file)
            items = chosen.map { truth.images[$0] }
        }
        let places = Dictionary(uniqueKeysWithValues: items.enumerated().map { ($1.id, $0) })
        var objects = [[DetectionObject]](repeating: [], count: items.count)
        var unusable: [Finding] = []
        for annotation in truth.annotations {
            guard let place = places[annotation.imageID], let label = labels[annotation.categoryID] else { continue }
            guard let box = annotation.box, box.width > 0, box.height > 0 else {
                unusable.append(
                    Finding(
                        file: annotations, record: "annotation \(annotation.id)",
                        problem: annotation.box == nil ? "it has no box" : "its box has no area"))
                continue
            }
            objects[place].append(
                DetectionObject(
                    id: annotation.id, label: label, box: Box(box), isCrowd: annotation.isCrowd,
                    segmentation: annotation.segmentation))
        }
        self.items = items
        self.objects = objects
        self.unusable = unusable
        annotationFile = annotations
        categoryIDs = categories.map(\.id)
        info = DatasetInfo(name: name, split: split, classes: categories.map(\.name))
        self.store = store
    }

    /// Opens a split of a descriptor; `folder` is the descriptor's folder.
    public init(
        _ descriptor: DatasetDescriptor, name: String, split: String, in folder: String,
        imageList: (file: String, names: [String])? = nil, store: PictureStore = PictureStore()
    ) throws {
        let part = try descriptor.split(split, kinds: [.coco])
        let root = descriptor.rootPath(relativeTo: folder)
        guard let annotations = part.annotations else {
            throw DataError(
                .configuration, file: root, record: "split \(split)", expected: "annotations: FILE",
                found: "no such key",
                remedy: "add the instances file to the descriptor")
        }
        try self.init(
            name: name, split: split, annotations: "\(root)/\(annotations)", images: "\(root)/\(part.images)",
            allowsLinks: descriptor.allowsLinks ?? false, imageList: imageList, store: store)
    }

    public var count: Int { items.count }
    public func name(at index: Int) -> String { items[index].fileName }
    public func imageID(at index: Int) -> Int64 { items[index].id }
    /// Height and width as the instances file says; samples whose picture differs are refused.
    public func size(at index: Int) -> ImageSize { items[index].size }
    /// The objects of a sample, without reading its picture.
    public func objects(at index: Int) -> [DetectionObject] { objects[index] }

    public func sample(at index: Int) throws(DataError) -> DetectionSample {
        let item = items[index]
        let path = try path(of: item)
        let picture = try store.picture(at: path)
        guard (picture.height, picture.width) == (item.size.height, item.size.width) else {
            throw DataError(
                .malformed, file: path, record: "image \(item.id) of \(annotationFile)",
                expected: "a picture of \(item.size)",
                found: "\(picture.height)x\(picture.width)", remedy: "use the pictures the annotations were made for")
        }
        return DetectionSample(name: item.fileName, imageID: item.id, picture: picture, objects: objects[index])
    }

    private func path(of item: CocoImage) throws(DataError) -> String {
        try images.resolve(item.fileName, in: annotationFile, record: "image \(item.id)")
    }

    public func files() throws(DataError) -> [String] {
        var paths = [annotationFile]
        for item in items { paths.append(try path(of: item)) }
        return paths
    }

    public func findings() -> [Finding] {
        unusable
            + Finding.collect(count) { index in
                var found: [Finding] = []
                do throws(DataError) { _ = try sample(at: index) } catch { found.append(Finding(error)) }
                let size = items[index].size
                for object in objects[index] {
                    let record = "annotation \(object.id)"
                    let inside = object.box.clipped(to: size)
                    if inside.width <= 0 || inside.height <= 0 {
                        found.append(
                            Finding(file: annotationFile, record: record, problem: "its box lies outside the picture"))
                    }
                    guard let segmentation = object.segmentation else { continue }
                    do throws(CocoSegmentation.DrawingError) {
                        let mask = try segmentation.mask(size: size)
                        if mask.size != size || !mask.isComplete {
                            found.append(
                                Finding(
                                    file: annotationFile, record: record,
                                    problem: "its mask is not of the picture's size \(size)"))
                        }
                    } catch {
                        found.append(
                            Finding(
                                file: annotationFile, record: record,
                                problem: "its outline: expected \(error.expected), found \(error.found)"))
                    }
                }
                return found
            }
    }
}
