import DenseData
import JSONText
import Reporting
import SafeFiles

/// What one split of a data set holds, and what is wrong with it.
public struct DatasetSplitReport: Sendable, Equatable {
    public var section: String
    public var kind: String
    public var split: String
    public var sampleCount: Int
    public var classes: [String]
    public var ignoreLabel: Int?
    /// SHA-256 over names, sizes and contents; nil when it was not asked for.
    public var contentHash: String?
    /// Nil when nobody looked.
    public var findings: [Finding]?

    init(section: String, kind: String, split: String, sampleCount: Int, classes: [String]) {
        self.section = section
        self.kind = kind
        self.split = split
        self.sampleCount = sampleCount
        self.classes = classes
    }

    var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("section", .string(section)), ("kind", .string(kind)), ("split", .string(split)),
            ("samples", .int(Int64(sampleCount))), ("classes", .array(classes.map { .string($0) })),
            ("ignore_label", ignoreLabel.map { .int(Int64($0)) } ?? .null),
        ]
        if let contentHash { members.append(("content_hash", .string(contentHash))) }
        if let findings {
            let list = findings.map { finding in
                JSONValue.object([
                    ("file", .string(finding.file)), ("record", finding.record.map { .string($0) } ?? .null),
                    ("problem", .string(finding.problem)),
                ])
            }
            members.append(("findings", .array(list)))
        }
        return .object(members)
    }
}

/// The answer of `dmt data info` and `dmt data verify`.
public struct DatasetReport: Sendable, Equatable {
    public var file: String
    public var splits: [DatasetSplitReport]

    public var findingCount: Int { splits.reduce(0) { $0 + ($1.findings?.count ?? 0) } }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("file", .string(file)), ("findings", .int(Int64(findingCount))),
            ("splits", .array(splits.map(\.json))),
        ])
    }

    /// A line a split, then a line a finding.
    public var text: String {
        var table = ReportTable(columns: [
            .init("section"), .init("kind"), .init("split"), .init("samples", .right), .init("classes", .right),
            .init("content hash"), .init("findings", .right),
        ])
        for split in splits {
            table.add([
                .text(split.section), .text(split.kind), .text(split.split), .integer(split.sampleCount),
                .integer(split.classes.count), .text(split.contentHash.map { String($0.prefix(16)) } ?? ""),
                .text(split.findings.map { "\($0.count)" } ?? ""),
            ])
        }
        let report = Report(
            title: "Data set", introduction: [], sections: [ReportSection(heading: file, blocks: [.table(table)])])
        let lines = splits.flatMap { split in (split.findings ?? []).map { "\(split.section)/\(split.split): \($0)\n" }
        }
        return TerminalRenderer().render(report) + lines.joined()
    }
}

/// Defects found in a data set: the answer of `verify` is no, exit code 65.
public struct DatasetDefects: ExitCodedError, CustomStringConvertible, Sendable, Equatable {
    public var file: String
    public var count: Int
    public var exitCode: Int32 { 65 }

    public init(file: String, count: Int) {
        self.file = file
        self.count = count
    }

    public var description: String { "\(file): expected a data set without defects, found \(count); see the list." }
}

/// Opens every split of every section of a `dataset.yaml`.
public enum DatasetInspection {
    public enum Depth: Sendable {
        /// Counts and classes.
        case counts
        /// Also the hash of all contents: reads every file.
        case hashes
        /// Also every defect: decodes every file.
        case defects
    }

    /// - Parameters:
    ///   - path: a `dataset.yaml`, or the folder it lies in.
    ///   - listFile: restricts every split to the pictures it names, one a line.
    ///   - progress: called after each split with splits done and splits in all.
    /// - Throws: `DataError` when a split cannot be opened at all.
    public static func inspect(
        _ path: String, depth: Depth, imageList listFile: String? = nil,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> DatasetReport {
        let file = try DatasetFile(path)
        let list: (file: String, names: [String])? =
            if let listFile { (listFile, try ImageList.read(listFile)) } else { nil }
        let total = file.sections.reduce(0) { $0 + $1.descriptor.splits.count }
        var splits: [DatasetSplitReport] = []
        for section in file.sections {
            for split in section.descriptor.splits.keys.sorted() {
                splits.append(try report(section, split, file.folder, depth, list))
                progress(splits.count, total)
            }
        }
        return DatasetReport(file: file.file, splits: splits)
    }

    /// A split that cannot be opened is an error, or where defects are looked for, a defect.
    private static func report(
        _ section: DatasetFile.Section, _ split: String, _ folder: String, _ depth: Depth,
        _ list: (file: String, names: [String])?
    ) throws -> DatasetSplitReport {
        var report = DatasetSplitReport(
            section: section.name, kind: section.descriptor.kind.rawValue, split: split, sampleCount: 0, classes: [])
        do {
            let loader = try loader(section, split: split, folder: folder, imageList: list)
            report.sampleCount = loader.count
            report.classes = loader.info.classes
            report.ignoreLabel = loader.info.ignoreLabel.map(Int.init)
            if depth == .defects { report.findings = loader.findings() }
            // Files that are missing or unreadable have no hash; they are among the findings.
            if depth == .hashes { report.contentHash = try loader.contentHash() }
            if report.findings?.isEmpty == true { report.contentHash = try loader.contentHash() }
        } catch let error as DataError where depth == .defects && error.kind != .configuration {
            report.findings = [Finding(error)]
        }
        return report
    }

    /// Looks for defects, with progress.
    ///
    /// - Parameters:
    ///   - path: a `dataset.yaml`, its folder, or a COCO truth file (`.json`).
    ///   - results: results to check against a COCO truth file.
    public static func verify(
        _ path: String, imageList: String? = nil, results: String? = nil, session: CommandSession
    ) throws -> DatasetReport {
        if path.lowercased().hasSuffix(".json") {
            var check = try CocoFileCheck(truth: path)
            if let results { try check.checkResults(results) }
            return check.report
        }
        if let results {
            throw DataError(
                .configuration, file: results, expected: "results beside a COCO truth file", found: path,
                remedy: "name the truth's .json file instead of a data set")
        }
        var progress: ProgressReporter?
        let report = try inspect(path, depth: .defects, imageList: imageList) { done, total in
            if progress == nil { progress = session.progress("verify", total: total, unit: "split") }
            progress?.advance(by: 1)
        }
        progress?.finish()
        return report
    }

    /// The loader that a section's kind asks for.
    public static func loader(
        _ section: DatasetFile.Section, split: String, folder: String,
        imageList: (file: String, names: [String])? = nil
    ) throws -> any DatasetLoader {
        let descriptor = section.descriptor
        // Pictures are read once here: nothing is gained by keeping them.
        let store = PictureStore(budget: 0)
        switch descriptor.kind {
        case .coco:
            return try DetectionDataset(
                descriptor, name: section.name, split: split, in: folder, imageList: imageList, store: store)
        case .ade20k:
            return try SegmentationFolder(
                descriptor, name: section.name, split: split, in: folder, imageList: imageList, store: store)
        case .pictures,
            .tarShards where section.name == DatasetFile.unlabelled:
            return try descriptor.unlabelled(
                name: section.name, split: split, in: folder, imageList: imageList, store: store)
        case .classFolder, .tarShards:
            return try descriptor.classification(
                name: section.name, split: split, in: folder, imageList: imageList, store: store)
        }
    }
}
