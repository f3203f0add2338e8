import DenseData
import SafeFiles

/// The `dataset.yaml` that describes a data set on disk: one section a task, each a `DatasetDescriptor`.
///
///     segmentation:
///       kind: ade20k                # coco, ade20k, class-folder, pictures, tar-shards
///       root: ADEChallengeData2016  # relative to this file
///       splits:
///         val: {images: images/validation, labels: annotations/validation}
public struct DatasetFile: Sendable {
    public struct Section: Sendable {
        /// The key it stands under: detection, segmentation, classification, unlabelled.
        public let name: String
        public let descriptor: DatasetDescriptor
    }

    /// The section that pretraining and distillation read.
    public static let unlabelled = "unlabelled"

    /// The folder that relative roots start from.
    public let folder: String
    public let file: String
    /// In file order.
    public let sections: [Section]

    /// - Parameter path: the YAML file, or a folder that holds `dataset.yaml`.
    /// - Throws: `.missing` when there is none; `.configuration` for everything wrong inside.
    public init(_ path: String) throws(DataError) {
        let file = Folder.exists(path) ? (path.hasSuffix("/") ? path + "dataset.yaml" : path + "/dataset.yaml") : path
        let reader = try Recipe.load(file: file).reader()
        var sections: [Section] = []
        for name in reader.keys {
            sections.append(Section(name: name, descriptor: try Self.descriptor(try reader.map(name))))
        }
        try reader.assertAllKeysRead()
        guard !sections.isEmpty else {
            throw DataError(
                .configuration, file: file, expected: "a section for each task", found: "no key",
                remedy: "see Documentation/recipes.md for the format")
        }
        self.folder = Folder.parent(of: file)
        self.file = file
        self.sections = sections
    }

    /// The section of that name.
    ///
    /// - Throws: `.configuration` naming those that exist.
    public func section(_ name: String) throws(DataError) -> DatasetDescriptor {
        if let section = sections.first(where: { $0.name == name }) { return section.descriptor }
        throw DataError(
            .configuration, file: file, record: name,
            expected: "one of " + sections.map(\.name).joined(separator: ", "),
            found: "no such section", remedy: "name a section of the file, or add it")
    }

    /// The pictures of a split of the unlabelled section.
    func unlabelled(split: String) throws(DataError) -> any UnlabelledLoader {
        try section(Self.unlabelled).unlabelled(name: Self.unlabelled, split: split, in: folder)
    }

    private static func descriptor(_ reader: RecipeReader) throws(DataError) -> DatasetDescriptor {
        let kind: DatasetDescriptor.Kind = try reader.choice("kind")
        let root: String = try reader.value("root")
        let splitMap = try reader.map("splits")
        var splits: [String: DatasetDescriptor.Split] = [:]
        for name in splitMap.keys {
            let split = try splitMap.map(name)
            splits[name] = DatasetDescriptor.Split(
                images: kind == .tarShards ? "" : try split.value("images"),
                annotations: kind == .coco ? try split.optional("annotations") : nil,
                labels: kind == .ade20k ? try split.value("labels") : nil,
                shards: kind == .tarShards ? try split.value("shards") : nil)
        }
        var descriptor = DatasetDescriptor(kind: kind, root: root, splits: splits)
        if kind == .ade20k || kind == .tarShards { descriptor.classes = try reader.optional("classes") }
        if kind == .ade20k {
            descriptor.reducesZeroLabel = try reader.optional("reduce_zero_label")
            if reader.has("ignore_label") { descriptor.ignoreLabel = try reader.int("ignore_label", in: 0...65_535) }
        }
        descriptor.allowsLinks = try reader.optional("allow_links")
        return descriptor
    }
}
