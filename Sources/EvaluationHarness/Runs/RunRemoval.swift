import Foundation
import JSONText
import Reporting
import SafeFiles

/// `dmt runs rm`: run folders that nobody works on, and nothing else.
///
/// Everything is checked before anything goes. A folder is renamed first, so that an end amid the work leaves no half run
/// under its name; `RunPruning` finds what is left.
public struct RunRemoval: Sendable {
    public let runs: [ListedRun]
    static let prefix = ".removed-"

    /// - Throws: `.missing`; `.malformed` for a link or what is no run folder; `.cannotWrite` for one that is running.
    public init(_ folders: [String]) throws(DataError) {
        var (runs, seen) = ([ListedRun](), Set<String>())
        for folder in folders {
            // A link with a slash behind it would be followed.
            var path = folder
            while path.count > 1, path.hasSuffix("/") { path.removeLast() }
            guard !RunCatalogue.isLink(path) else {
                throw DataError(
                    .malformed, file: path, expected: "a run folder", found: "a link",
                    remedy: "name the run that it leads to; links are not followed here")
            }
            guard RunCatalogue.isRealFolder(path), try RunCatalogue.isRun(path),
                ![".", ".."].contains(Folder.name(of: path))
            else { throw Self.noRun(path) }
            guard !RunLock.isHeld(folder: path) else {
                throw DataError(
                    .cannotWrite, file: path, expected: "a run that nobody works on", found: "a process in it",
                    remedy: "stop it first, or wait for its end")
            }
            guard let real = realpath(path, nil) else { throw Self.noRun(path) }
            defer { free(real) }
            if seen.insert(String(cString: real)).inserted { runs.append(try ListedRun(path: path)) }
        }
        self.runs = runs
    }

    static func noRun(_ path: String) -> DataError {
        let exists = Folder.exists(path) || FileBytes.exists(path)
        return DataError(
            exists ? .malformed : .missing, file: path, expected: "a run folder, with STATUS and config.sha256",
            found: exists ? "something else" : "nothing of that name",
            remedy: "see 'dmt runs list' for the runs there are")
    }

    public var byteCount: Int { runs.reduce(0) { $0 + $1.byteCount } }

    /// "2 runs, 1.2 GiB".
    public var summary: String {
        "\(runs.count) \(runs.count == 1 ? "run" : "runs"), \(ByteText.of(byteCount))"
    }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("removed", .array(runs.map { .string($0.path) })),
            ("bytes", .int(Int64(byteCount))),
        ])
    }

    public var text: String { "removed \(summary)\n" }

    /// Removes them in order.
    ///
    /// - Throws: `.cannotWrite`; those before are gone then.
    public func remove() throws(DataError) {
        for run in runs {
            // Held while the folder goes: nobody can resume it meanwhile.
            let lock = try RunLock(folder: run.path)
            let parent = Folder.parent(of: run.path)
            let away = "\(parent)/\(Self.prefix)\(run.name).\(getpid())"
            guard rename(run.path, away) == 0 else { throw Self.failure(run.path, String(cString: strerror(errno))) }
            Self.forget(run.name, in: parent)
            // Links inside are removed, not followed.
            do { try FileManager.default.removeItem(atPath: away) } catch { throw Self.failure(away, "\(error)") }
            withExtendedLifetime(lock) {}
        }
    }

    /// The link `latest` beside a run that is gone would lead nowhere.
    private static func forget(_ name: String, in parent: String) {
        let link = "\(parent)/latest"
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == name { unlink(link) }
    }

    private static func failure(_ path: String, _ found: String) -> DataError {
        DataError(
            .cannotWrite, file: path, expected: "a folder that can be removed", found: found,
            remedy: "check the permissions of the folder")
    }
}
