import JSONText
import SafeFiles
import Synchronization

extension CocoDataset {
    /// Reads a truth file (instances or keypoints) in windows, so memory is the result's own and a few MB.
    ///
    /// Ids must be integers (`1.0` is accepted). Fields that only some uses need (`bbox`, `area`, `segmentation`,
    /// `keypoints`) may be absent; `iscrowd` absent means 0.
    ///
    /// - Throws: `DataError` naming the file, the record, what was expected and what was found.
    public static func load(
        _ path: String, fields: CocoFields = .all, checks: CocoChecks = .strict
    ) throws -> CocoDataset {
        try read(MappedFile(path), file: path, fields: fields, checks: checks)
    }

    /// Reads a truth file already in memory.
    public static func read(
        _ bytes: UnsafeRawBufferPointer, file: String, fields: CocoFields = .all, checks: CocoChecks = .strict
    ) throws -> CocoDataset {
        try read(MappedFile(copying: bytes), file: file, fields: fields, checks: checks)
    }

    /// - Parameter triesPlain: false gives every window to the strict reader, whose answers are the same.
    static func read(
        _ text: MappedFile, file: String, fields: CocoFields, checks: CocoChecks, triesPlain: Bool = true
    ) throws -> CocoDataset {
        let reading = CocoTruthReading(file: file, fields: fields, checks: checks)
        let lists = Mutex<Set<String>>([])
        let (isList, dataset) = try text.foldWindows(
            file, into: CocoDataset(images: [], categories: [], annotations: []),
            member: { key, value in
                if try reading.isList(key, value) { lists.withLock { _ = $0.insert(key) } }
            },
            plain: { key, text in triesPlain && key == "annotations" ? reading.plain(text) : nil },
            make: { try reading.records($0) },
            use: { dataset, part, growth in dataset.append(part, growth: growth) })
        if isList { throw reading.isNoTruth }
        return try reading.checked(dataset, lists: lists.withLock { $0 })
    }

    /// Reads a truth file for a check: records that cannot be read are left out and told about, each on its own.
    ///
    /// - Throws: `DataError` where the file as a whole is no COCO truth, or is no JSON.
    public static func loadLenient(_ path: String) throws -> (dataset: CocoDataset, faults: [DataError]) {
        let reading = CocoTruthReading(file: path, fields: .all, checks: [])
        var lists: Set<String> = []
        var faults: [DataError] = []
        var dataset = CocoDataset(images: [], categories: [], annotations: [])
        let isList = try MappedFile(path).eachWindow(
            path, member: { key, value in if try reading.isList(key, value) { lists.insert(key) } },
            window: { window in dataset.append(try reading.records(window) { faults.append($0) }) })
        if isList { throw reading.isNoTruth }
        return (try reading.checked(dataset, lists: lists), faults)
    }

    fileprivate mutating func append(_ other: CocoDataset, growth: Double = 1) {
        images += other.images
        categories += other.categories
        annotations.append(other.annotations, growth: growth)
    }
}
