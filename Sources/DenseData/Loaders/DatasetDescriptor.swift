import SafeFiles

/// Where a data set lies and how it is laid out: one section of a `dataset.yaml`. The harness parses the YAML.
public struct DatasetDescriptor: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case coco
        case ade20k
        case classFolder = "class-folder"
        case pictures
        /// Tar archives of pictures, with or without classes.
        case tarShards = "tar-shards"
    }

    public struct Split: Codable, Sendable, Equatable {
        /// Picture folder, relative to the root; empty where pictures lie in shards.
        public var images: String
        /// COCO: the instances file. Relative to the root.
        public var annotations: String?
        /// ADE20K: the label folder. Relative to the root.
        public var labels: String?
        /// Tar shards: which archives, relative to the root; see `ShardPattern`.
        public var shards: String?

        public init(
            images: String = "", annotations: String? = nil, labels: String? = nil, shards: String? = nil
        ) {
            self.images = images
            self.annotations = annotations
            self.labels = labels
            self.shards = shards
        }
    }

    public var kind: Kind
    /// Relative to the descriptor's folder, or absolute.
    public var root: String
    public var splits: [String: Split]
    /// A file with class names, relative to the root; ADE20K and tar shards only. Without it, ADE20K uses `objectInfo*.txt`
    /// of the root, and the classes of shards are numbers.
    public var classes: String?
    /// Whether stored label 0 means "other" and classes count from 1. True unless said otherwise; ADE20K only.
    public var reducesZeroLabel: Bool?
    /// The training label that nothing counts; 255 unless said otherwise.
    public var ignoreLabel: Int?
    /// Whether files may be symbolic links.
    public var allowsLinks: Bool?

    public init(
        kind: Kind, root: String, splits: [String: Split], classes: String? = nil, reducesZeroLabel: Bool? = nil,
        ignoreLabel: Int? = nil, allowsLinks: Bool? = nil
    ) {
        self.kind = kind
        self.root = root
        self.splits = splits
        self.classes = classes
        self.reducesZeroLabel = reducesZeroLabel
        self.ignoreLabel = ignoreLabel
        self.allowsLinks = allowsLinks
    }

    /// The root as a path; `folder` is the descriptor's.
    func rootPath(relativeTo folder: String) -> String { root.hasPrefix("/") ? root : "\(folder)/\(root)" }

    /// - Throws: `.configuration` for a wrong kind or an unknown split.
    func split(_ name: String, kinds wanted: [Kind]) throws(DataError) -> Split {
        guard wanted.contains(kind) else {
            throw DataError(
                .configuration, file: root,
                expected: "a data set of kind " + wanted.map(\.rawValue).joined(separator: " or "),
                found: kind.rawValue,
                remedy: "choose another section of the descriptor")
        }
        guard let split = splits[name] else {
            throw DataError(
                .configuration, file: root, record: "split \(name)",
                expected: "one of " + splits.keys.sorted().joined(separator: ", "), found: name,
                remedy: "name a split of the descriptor")
        }
        return split
    }
}
