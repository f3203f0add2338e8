import Foundation
import JSONText
import Reporting
import SafeFiles
import Synchronization

/// The folder of one run: settings, environment, protocol, log, metrics and whatever the run writes.
///
///     runs/20260131T235959Z-1a2b3c4d-distil-small/
///       STATUS  config.resolved.yaml  env.json  protocol.json  command.txt  log.txt  metrics.jsonl  …
///
/// A folder is never overwritten. `STATUS` is replaced atomically; a lock keeps a second process out; `latest` beside
/// the run points to it.
public final class RunFolder: Sendable {
    /// Without links, absolute.
    public let path: String
    /// Whether the folder held a run that this one continues.
    public let isResumed: Bool
    private let commandLine: [String]
    private let lock: RunLock
    private let written = Mutex<[String]>([])

    /// Where a run goes.
    public enum Place: Sendable, Equatable {
        /// A fresh folder `<UTC>-<hash8>-<name>` in this folder.
        case fresh(in: String)
        /// Exactly this folder: absent or empty, or (with `resumes`) an unfinished run of the same settings.
        case exactly(String, resumes: Bool)
    }

    /// Creates or reopens the folder, takes the lock and writes what is known at the start. STATUS becomes `running`.
    ///
    /// - Parameters:
    ///   - settings: hashed for the name; a run of other settings is not resumed.
    ///   - date: gives the time in the name.
    /// - Throws: `.cannotWrite` for a folder in use or not empty; `.configuration` for resuming with other settings.
    public init(
        _ place: Place, recipe: Recipe, protocolFingerprint: ProtocolFingerprint? = nil, commandLine: [String] = [],
        environment: EnvironmentReport = .current(), date: Date = Date()
    ) throws(DataError) {
        self.commandLine = commandLine
        switch place {
        case .fresh(let parent):
            try Folder.create(parent)
            let stem = "\(UTCTime.compact(date))-\(recipe.hash.prefix(8))-\(Self.slug(recipe.name))"
            path = try Self.createFresh(in: Self.absolute(parent), stem)
            isResumed = false
        case .exactly(let folder, let resumes):
            try Folder.create(folder)
            path = Self.absolute(folder)
            let entries = try Folder.entries(path)
            // A run that was killed before it had a status has done nothing: it begins anew.
            isResumed = !entries.allSatisfy { Self.firstFiles.contains($0) || AtomicFile.isLeftover($0) }
            guard entries.isEmpty || resumes else {
                let isRun = try Self.status(of: path) != nil
                throw DataError(
                    .cannotWrite, file: folder, expected: "an empty or absent folder",
                    found: "\(entries.count) entries",
                    remedy: "choose another --out" + (isRun ? ", or --resume an unfinished run" : ""))
            }
        }
        lock = try RunLock(folder: path)
        try AtomicFile.removeLeftovers(in: path)
        if isResumed {
            try Self.checkResumable(path, recipe)
        } else {
            try write(recipe.root.yaml(withOrigins: true), to: "config.resolved.yaml")
            try write("\(recipe.hash)\n", to: "config.sha256")
        }
        try write(environment.json.text(pretty: true) + "\n", to: "env.json")
        if let protocolFingerprint {
            let entries = protocolFingerprint.entries.map { ($0.key, JSONValue.string($0.value)) }
            let document = JSONValue.object([
                ("hash", .string(protocolFingerprint.hash)), ("entries", .object(entries)),
            ])
            try write(document.text(pretty: true) + "\n", to: "protocol.json")
        }
        if !commandLine.isEmpty {
            try write(commandLine.map(Self.quoted).joined(separator: " ") + "\n", to: "command.txt")
        }
        try set(.running)
        if case .fresh(let parent) = place { Self.point(latestIn: parent, to: Folder.name(of: path)) }
    }

    /// What a folder holds before it has a status.
    private static let firstFiles: Set = [
        "config.resolved.yaml", "config.sha256", "env.json", "protocol.json", "command.txt",
    ]

    /// The command that continues this run once it stopped.
    public var resumeCommand: String { ResumeCommand.text(commandLine, folder: path) }

    // MARK: Files

    /// The path of a file of the run; folders on the way are created.
    public func file(_ name: String) throws(DataError) -> String {
        let full = "\(path)/\(name)"
        try Folder.create(Folder.parent(of: full))
        return full
    }

    /// Writes a whole file atomically and lists it.
    public func write(_ text: String, to name: String) throws(DataError) {
        try AtomicFile.write(text, to: try file(name))
        note(name)
    }

    /// Lists a file that was written by other means.
    public func note(_ name: String) {
        written.withLock { names in
            if !names.contains(name) { names.append(name) }
        }
    }

    /// Absolute paths of every file that this process wrote and left, in order of first writing: the last lines a command
    /// prints.
    public var filesWritten: [String] {
        written.withLock { $0 }.map { "\(path)/\($0)" }.filter { FileBytes.exists($0) || Folder.exists($0) }
    }

    // MARK: Status

    public func set(_ status: RunStatus) throws(DataError) { try write(status.rawValue + "\n", to: "STATUS") }

    /// The status of a run folder; nil where there is none.
    ///
    /// - Throws: `.deviceFailed`: what cannot be read now may be any of them.
    public static func status(of folder: String) throws(DataError) -> RunStatus? {
        try word("STATUS", of: folder).flatMap { RunStatus(rawValue: $0) }
    }

    /// Runs `body` and sets the status that its end means: `done`, `interrupted`, or `failed` with the error in
    /// `log.txt`. `memory.json` says how much memory a run took that came to its end.
    public func tracking<Result>(_ terminal: Terminal, _ body: () throws -> Result) throws -> Result {
        try terminal.copyLines(to: try file("log.txt"))
        note("log.txt")
        do {
            let result = try body()
            try write(MemoryUse.peak.json.text(pretty: true) + "\n", to: "memory.json")
            try set(.done)
            return result
        } catch {
            terminal.log(line: "\(UTCTime.text(Date())) error \(error)")
            // The first error is the one to report; a status that cannot be written must not hide it.
            try? set(error is Interruption ? .interrupted : .failed)
            throw error
        }
    }

    // MARK: Parts

    private static func createFresh(in parent: String, _ stem: String) throws(DataError) -> String {
        for attempt in 0..<1000 {
            let path = "\(parent)/\(stem)" + (attempt == 0 ? "" : "-\(attempt + 1)")
            do {
                try Folder.make(path)
                return path
            } catch {
                // Another run of the same second has the name.
                guard Folder.exists(path) else { throw error }
            }
        }
        throw DataError(
            .cannotWrite, file: "\(parent)/\(stem)", expected: "a folder that can be created",
            found: "1000 of that name", remedy: "choose another --out")
    }

    private static func checkResumable(_ path: String, _ recipe: Recipe) throws(DataError) {
        guard let status = try status(of: path), let hash = try word("config.sha256", of: path)
        else {
            throw DataError(
                .cannotWrite, file: path, expected: "a run to resume",
                found: "a folder without STATUS and config.sha256",
                remedy: "choose another --out")
        }
        guard status != .done else {
            throw DataError(
                .cannotWrite, file: path, expected: "an unfinished run", found: "a run that is done",
                remedy: "choose another --out, or leave it as it is")
        }
        guard hash == recipe.hash else {
            throw DataError(
                .configuration, file: path, expected: "the settings the run began with (\(hash.prefix(8)))",
                found: "others (\(recipe.hash.prefix(8)))",
                remedy: "use the same recipe and overrides, or start a new run")
        }
    }

    /// The line of a short file; nil where there is none.
    ///
    /// - Throws: `.deviceFailed`: what cannot be read now is not missing.
    private static func word(_ name: String, of folder: String) throws(DataError) -> String? {
        do {
            return String(decoding: try FileBytes.read("\(folder)/\(name)", limit: 256), as: UTF8.self).trimmingSuffix(
                "\n")
        } catch {
            guard error.kind != .deviceFailed else { throw error }
            return nil
        }
    }

    /// Replaces the link by renaming a new one over it, so that it always leads somewhere. A convenience: failing is no
    /// error.
    private static func point(latestIn parent: String, to name: String) {
        let temporary = "\(parent)/.latest.\(getpid())"
        unlink(temporary)
        if symlink(name, temporary) == 0, rename(temporary, "\(parent)/latest") != 0 { unlink(temporary) }
    }

    private static func absolute(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// A name for the file system: letters, digits, `.`, `_`; everything else becomes one `-`.
    static func slug(_ name: String) -> String {
        var slug = ""
        for character in name.lowercased().prefix(60) {
            let keeps =
                character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == ".")
            if keeps {
                slug.append(character)
            } else if !slug.isEmpty && slug.last != "-" {
                slug.append("-")
            }
        }
        while slug.last == "-" || slug.last == "." { slug.removeLast() }
        return slug.isEmpty || slug.first == "." ? "run" : slug
    }

    /// An argument as a shell reads it back.
    static func quoted(_ argument: String) -> String {
        let plain =
            !argument.isEmpty
            && argument.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=,:+@%".contains($0)) }
        return plain ? argument : "'" + argument.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
