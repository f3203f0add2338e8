import Foundation
import JSONText
import Reporting
import SafeFiles

/// `dmt runs prune`: what can go without a loss. Temporary files of writes that were killed, folders of removals that were cut
/// short, and, where asked for, the caches of teachers' tokens and frozen features, which are made again when they are needed.
///
/// What a process works on stays: runs whose lock is held, caches that are being written, temporary files of living processes.
public struct RunPruning: Sendable {
    public enum Kind: String, Sendable {
        case temporary, removed, features
    }

    public struct Item: Sendable {
        public var path: String
        public var kind: Kind
        public var byteCount: Int
    }

    public private(set) var items: [Item] = []
    /// Caches of features that stay because nobody asked for their removal.
    public private(set) var keptFeatures: [Item] = []
    private let removesFeatures: Bool

    /// Looks for what can go; removes nothing.
    ///
    /// - Throws: `.missing` where there is no such folder.
    public init(_ folder: String, features: Bool) throws(DataError) {
        removesFeatures = features
        _ = try Folder.entries(folder)
        walk(Folder.withoutSlash(folder))
        items.sort { $0.path < $1.path }
        keptFeatures.sort { $0.path < $1.path }
    }

    public var byteCount: Int { items.reduce(0) { $0 + $1.byteCount } }

    private mutating func walk(_ folder: String) {
        if RunLock.isHeld(folder: folder) { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let path = "\(folder)/\(name)"
            if RunCatalogue.isRealFolder(path) {
                if name.hasPrefix(RunRemoval.prefix) {
                    if !Self.isOfLivingProcess(name) { add(path, .removed, ListedRun.bytes(in: path)) }
                } else if Self.isFeatureFolder(path) {
                    add(path, .features, ListedRun.bytes(in: path))
                } else if !name.hasPrefix(".") {
                    walk(path)
                }
                continue
            }
            var state = stat()
            guard lstat(path, &state) == 0 else { continue }
            let size = Int(state.st_size)
            if RunCatalogue.isRealFile(path), AtomicFile.isLeftover(name) {
                let process = name.split(separator: ".").dropLast().last.flatMap { Int32($0) }
                if process.map(Self.isAlive) != true { add(path, .temporary, size) }
            } else if RunCatalogue.isLink(path), name.hasPrefix(".latest."), !Self.isOfLivingProcess(name) {
                add(path, .temporary, size)
            } else if RunCatalogue.isRealFile(path), FeatureStore.isIdleFile(path) {
                add(path, .features, size)
            }
        }
    }

    private mutating func add(_ path: String, _ kind: Kind, _ byteCount: Int) {
        let item = Item(path: path, kind: kind, byteCount: byteCount)
        if kind == .features && !removesFeatures { keptFeatures.append(item) } else { items.append(item) }
    }

    /// Names that end in a process' number.
    private static func isOfLivingProcess(_ name: String) -> Bool {
        name.split(separator: ".").last.flatMap { Int32($0) }.map(isAlive) ?? false
    }

    private static func isAlive(_ process: Int32) -> Bool { process > 0 && (kill(process, 0) == 0 || errno == EPERM) }

    /// Shards of frozen features: a folder named by a hash, of numbered files alone.
    private static func isFeatureFolder(_ path: String) -> Bool {
        let name = Folder.name(of: path)
        guard name.utf8.count == 16, name.allSatisfy(\.isHexDigit), let names = try? Folder.entries(path),
            !names.isEmpty
        else { return false }
        return names.allSatisfy {
            AtomicFile.isLeftover($0) || $0.hasSuffix(".safetensors") && Int($0.dropLast(".safetensors".count)) != nil
        }
    }

    /// Removes what was found; a file that went meanwhile is no error.
    ///
    /// - Throws: `.cannotWrite`.
    public func remove() throws(DataError) {
        for item in items {
            do { try FileManager.default.removeItem(atPath: item.path) } catch {
                if !RunCatalogue.isThere(item.path) { continue }
                throw DataError(
                    .cannotWrite, file: item.path, expected: "a file that can be removed", found: "\(error)",
                    remedy: "check the permissions of its folder")
            }
        }
    }

    /// - Parameter isDry: nothing was removed.
    public func json(isDry: Bool) -> JSONValue {
        func list(_ items: [Item]) -> JSONValue {
            .array(
                items.map {
                    .object([
                        ("path", .string($0.path)), ("kind", .string($0.kind.rawValue)),
                        ("bytes", .int(Int64($0.byteCount))),
                    ])
                })
        }
        return .object([
            ("schema_version", .int(1)), ("dry_run", .bool(isDry)), ("bytes", .int(Int64(byteCount))),
            ("removed", list(items)), ("kept_features", list(keptFeatures)),
        ])
    }

    public func text(isDry: Bool) -> String {
        var lines = items.map { "\($0.path)  \($0.kind.rawValue), \(ByteText.of($0.byteCount))" }
        lines.append(
            items.isEmpty
                ? "nothing to remove"
                : "\(items.count) \(items.count == 1 ? "entry" : "entries"), \(ByteText.of(byteCount)), "
                    + (isDry ? "would be removed" : "removed"))
        if !keptFeatures.isEmpty {
            let bytes = keptFeatures.reduce(0) { $0 + $1.byteCount }
            lines.append(
                "\(keptFeatures.count) \(keptFeatures.count == 1 ? "cache" : "caches") of features, "
                    + "\(ByteText.of(bytes)), stay; --features removes them, and they are made again when needed")
        }
        return lines.map { TerminalRenderer.printable($0) + "\n" }.joined()
    }
}
