import Foundation
import Reporting
import SafeFiles

/// The run folders below a folder.
///
/// A run folder is one that holds `STATUS` and `config.sha256`, as `RunFolder` writes them. Links are not followed, hidden
/// folders and what lies inside a run are not looked at.
public struct RunCatalogue: Sendable {
    /// In order of their paths.
    public let runs: [ListedRun]
    private static let depth = 6

    /// - Throws: `.missing` where there is no such folder; what listing throws.
    public init(_ folder: String) throws(DataError) {
        runs = try Self.folders(in: folder).map { path throws(DataError) in try ListedRun(path: path) }
    }

    /// Paths of the run folders; the folder itself where it is one.
    static func folders(in folder: String) throws(DataError) -> [String] {
        let root = Folder.withoutSlash(folder)
        return try isRun(root) ? [root] : try folders(below: root, depth: depth)
    }

    private static func folders(below folder: String, depth: Int) throws(DataError) -> [String] {
        var found: [String] = []
        for name in try Folder.entries(folder) {
            let path = "\(folder)/\(name)"
            guard isRealFolder(path) else { continue }
            if try isRun(path) {
                found.append(path)
            } else if depth > 1 {
                do { found += try folders(below: path, depth: depth - 1) } catch {
                    // A folder that may not be listed holds no run that could be shown; of a failing disk nobody knows.
                    if error.kind == .deviceFailed { throw error }
                }
            }
        }
        return found
    }

    static func isRun(_ folder: String) throws(DataError) -> Bool {
        guard ["STATUS", "config.sha256"].allSatisfy({ isRealFile("\(folder)/\($0)") }) else { return false }
        return try RunFolder.status(of: folder) != nil
    }

    private static func mode(_ path: String) -> mode_t? {
        var state = stat()
        return lstat(path, &state) == 0 ? state.st_mode & S_IFMT : nil
    }

    static func isThere(_ path: String) -> Bool { mode(path) != nil }
    static func isRealFolder(_ path: String) -> Bool { mode(path) == S_IFDIR }
    static func isRealFile(_ path: String) -> Bool { mode(path) == S_IFREG }
    static func isLink(_ path: String) -> Bool { mode(path) == S_IFLNK }
}

/// A run folder as a list shows it.
public struct ListedRun: Sendable {
    /// What a run is doing: its STATUS, and of those that say `running` the ones that nobody works on.
    public enum State: String, Sendable, CaseIterable {
        case running, done, failed, interrupted
        /// STATUS says `running`, and no process holds the lock.
        case killed
    }

    public let path: String
    public let state: State
    /// When STATUS last changed.
    public let date: Date
    /// Bytes of its files, links not followed.
    public let byteCount: Int
    /// Nil where there is no `run.json`, as for trainings, or one that cannot be read.
    public let record: RunRecord?
    /// Why `run.json` cannot be read.
    public let problem: String?
    /// The verb and its task, from `command.txt`: "train segment".
    public let command: String

    /// - Throws: `.deviceFailed`.
    init(path: String) throws(DataError) {
        self.path = path
        let status = try RunFolder.status(of: path) ?? .failed
        state =
            status == .running && !RunLock.isHeld(folder: path) ? .killed : State(rawValue: status.rawValue) ?? .failed
        var file = stat()
        date = Date(timeIntervalSince1970: stat("\(path)/STATUS", &file) == 0 ? Double(file.st_mtim.tv_sec) : 0)
        byteCount = Self.bytes(in: path)
        var (record, problem) = (RunRecord?.none, String?.none)
        if FileBytes.exists("\(path)/run.json") {
            do { record = try RunRecord.load("\(path)/run.json") } catch { problem = "\(error)" }
        }
        (self.record, self.problem) = (record, problem)
        let words = (try? FileBytes.read("\(path)/command.txt", limit: 1 << 20)).map {
            String(decoding: $0, as: UTF8.self)
        }
        command = (words ?? "").split { $0 == " " || $0 == "\n" }.dropFirst().prefix { !$0.hasPrefix("-") }.prefix(2)
            .joined(separator: " ")
    }

    /// A line for people: path, state, size.
    public var shown: String { TerminalRenderer.printable("\(path)  \(state.rawValue), \(ByteText.of(byteCount))") }

    /// The folder's name.
    public var name: String { Folder.name(of: path) }
    /// The record's task, else the command's words.
    public var task: String { record?.fields.task ?? command }
    public var arm: String { record?.fields.arm ?? "" }
    /// The first metric of a record: what its task is known by.
    public var mainMetric: MetricValue? { record?.fields.metrics.first }

    /// Bytes of the files of a folder.
    static func bytes(in folder: String) -> Int {
        let keys: Set<URLResourceKey> = [.fileSizeKey, .isRegularFileKey]
        let files = FileManager.default.enumerator(
            at: URL(fileURLWithPath: folder), includingPropertiesForKeys: Array(keys))
        var sum = 0
        while let file = files?.nextObject() as? URL {
            guard let values = try? file.resourceValues(forKeys: keys), values.isRegularFile == true else { continue }
            sum += values.fileSize ?? 0
        }
        return sum
    }
}
