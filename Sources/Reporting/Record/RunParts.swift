/// A file that a run read, pinned by its content.
public struct FileDigest: Sendable, Equatable {
    public var name: String
    /// 64 lower-case hexadecimal digits.
    public var sha256: String

    public init(name: String, sha256: String) {
        self.name = name
        self.sha256 = sha256
    }

    static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}

/// The data a run was scored on.
public struct DatasetSummary: Sendable, Equatable {
    public var name: String
    public var split: String
    /// SHA-256 of the sorted list of (file, size, digest).
    public var contentHash: String
    /// Images the data set lists.
    public var listedImages: Int
    /// Images that were scored. Fewer than `listedImages` only if the protocol names the image list.
    public var scoredImages: Int
    public var classCount: Int

    public init(
        name: String, split: String, contentHash: String, listedImages: Int, scoredImages: Int, classCount: Int
    ) {
        self.name = name
        self.split = split
        self.contentHash = contentHash
        self.listedImages = listedImages
        self.scoredImages = scoredImages
        self.classCount = classCount
    }

    /// "all 79 images" or "25 of 79 images".
    public var coverage: String {
        scoredImages == listedImages ? "all \(listedImages) images" : "\(scoredImages) of \(listedImages) images"
    }
}

/// One resolved setting and the layer that set it.
public struct ResolvedSetting: Sendable, Equatable {
    public var key: String
    public var value: String
    /// "default", a recipe file, or "command line".
    public var origin: String

    public init(key: String, value: String, origin: String) {
        self.key = key
        self.value = value
        self.origin = origin
    }
}

/// Something a reader of the numbers must know.
public struct RunWarning: Sendable, Equatable {
    /// A fixed word for scripts: "few_images".
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// Wall-clock time of one phase.
public struct PhaseTiming: Sendable, Equatable {
    public var phase: String
    public var seconds: Double

    public init(phase: String, seconds: Double) {
        self.phase = phase
        self.seconds = seconds
    }
}

/// A fact about the machine or the build.
public struct EnvironmentFact: Sendable, Equatable {
    public var key: String
    public var value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// Scores of each class: one row a class, `nil` where a score is undefined.
public struct ClassTable: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        public var name: String
        public var values: [Double?]

        public init(name: String, values: [Double?]) {
            self.name = name
            self.values = values
        }
    }

    /// Names of the values, the same for each row.
    public var columns: [String]
    public var rows: [Row]

    public init(columns: [String], rows: [Row]) {
        self.columns = columns
        self.rows = rows
    }
}
