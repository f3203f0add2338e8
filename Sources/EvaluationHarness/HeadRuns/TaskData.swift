import DenseData
import Reporting
import SafeFiles

/// One split of one section of a `dataset.yaml`, restricted to an image list where there is one.
struct TaskData {
    let file: DatasetFile
    let descriptor: DatasetDescriptor
    /// What records call the data set: the name of its folder.
    let name: String
    let split: String
    private(set) var imageList: (file: String, names: [String])?
    private let keepsPictures: Bool

    /// - Parameters:
    ///   - path: a `dataset.yaml` or its folder.
    ///   - listFile: one picture name a line; `nil` for all pictures.
    ///   - keepsPictures: decoded, for another epoch; false where each is needed once.
    init(
        _ path: String, section: String, split: String, listFile: String?, keepsPictures: Bool = true
    ) throws(DataError) {
        self.keepsPictures = keepsPictures
        file = try DatasetFile(path)
        descriptor = try file.section(section)
        let root = Folder.name(of: descriptor.root)
        name = [".", "..", ""].contains(root) ? Folder.name(of: file.folder) : root
        self.split = split
        imageList = if let listFile { (listFile, try ImageList.read(listFile)) } else { nil }
    }

    func segmentation(all: Bool = false) throws(DataError) -> SegmentationFolder {
        try SegmentationFolder(
            descriptor, name: name, split: split, in: file.folder, imageList: all ? nil : imageList, store: store)
    }

    func detection(all: Bool = false) throws -> DetectionDataset {
        try DetectionDataset(
            descriptor, name: name, split: split, in: file.folder, imageList: all ? nil : imageList, store: store)
    }

    func classification(all: Bool = false) throws(DataError) -> any ClassificationLoader {
        try descriptor.classification(
            name: name, split: split, in: file.folder, imageList: all ? nil : imageList, store: store)
    }

    private var store: PictureStore { keepsPictures ? PictureStore() : PictureStore(budget: 0) }

    /// The same with pictures at equal distances of the split's order alone, so that folders of classes all have a share.
    ///
    /// - Parameters:
    ///   - count: how many; nil, or more than there are, takes all.
    ///   - open: opens the split.
    func limited(to count: Int?, _ open: (TaskData) throws -> any DatasetLoader) throws -> TaskData {
        guard let count else { return self }
        let dataset = try open(self)
        guard count < dataset.count else { return self }
        var part = self
        part.imageList = (
            "\(count) of \(dataset.count)", (0..<count).map { dataset.name(at: $0 * dataset.count / count) }
        )
        return part
    }

    /// The label folder of a segmentation split.
    var labelFolder: String { "\(root)/\(descriptor.splits[split]?.labels ?? "")" }

    private var root: String {
        descriptor.root.hasPrefix("/") ? descriptor.root : "\(file.folder)/\(descriptor.root)"
    }

    /// What a record says about the data.
    ///
    /// - Parameters:
    ///   - listed: pictures of the whole split.
    func summary(_ dataset: some DatasetLoader, listed: Int) throws(DataError) -> DatasetSummary {
        DatasetSummary(
            name: name, split: split, contentHash: try dataset.contentHash(), listedImages: listed,
            scoredImages: dataset.count, classCount: dataset.info.classes.count)
    }
}
