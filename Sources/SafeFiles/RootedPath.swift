import Foundation

/// A data set's folder, and the only way from a name found in data to a path: the result never leaves the folder.
///
/// Refused names: empty, absolute, with `..`, NUL or backslash. The resolved path must lie under the root and be a
/// regular file; symbolic links inside the root are followed only where the caller allows link farms.
public struct RootedPath: Sendable, Equatable {
    /// The root with all links resolved.
    public let root: String
    public let allowsLinks: Bool

    /// - Throws: `.missing` when `root` is no existing folder.
    public init(root: String, allowsLinks: Bool = false) throws(DataError) {
        guard Folder.exists(root), let resolved = realpath(root, nil) else {
            throw DataError(
                .missing, file: root, expected: "a folder", found: "nothing of that name",
                remedy: "check the data set's root")
        }
        self.root = String(cString: resolved)
        free(resolved)
        self.allowsLinks = allowsLinks
    }

    /// The path of a file named by data.
    ///
    /// - Parameters:
    ///   - name: a relative path with `/` between parts, as COCO's `file_name`.
    ///   - source: the file the name was read from, and the record in it, for the message.
    /// - Throws: `.malformed` for a hostile name, `.missing` when there is no such file.
    public func resolve(_ name: String, in source: String, record: String? = nil) throws(DataError) -> String {
        try locate(name, isFolder: false, in: source, record)
    }

    /// The path of a folder named by data, by the rules for files.
    public func resolveFolder(_ name: String, in source: String, record: String? = nil) throws(DataError) -> String {
        try locate(name, isFolder: true, in: source, record)
    }

    /// - Parameter isFolder: whether a folder is wanted, or else a regular file.
    private func locate(
        _ name: String, isFolder: Bool, in source: String, _ record: String?
    ) throws(DataError) -> String {
        let what = isFolder ? "a folder" : "a file"
        if let fault = Self.fault(in: name) {
            throw DataError(
                .malformed, file: source, record: record, expected: "a file name inside the data set's folder",
                found: fault, remedy: "mend the name")
        }
        let parts = name.split(separator: "/").filter { $0 != "." }
        let joined = (root == "/" ? "" : root) + "/" + parts.joined(separator: "/")
        guard let real = realpath(joined, nil) else {
            let code = errno
            throw DataError(
                code == ENOENT || code == ENOTDIR ? .missing : .malformed, file: joined,
                record: Self.origin(source, record), expected: what, found: String(cString: strerror(code)),
                remedy: "complete the data set or mend the name")
        }
        defer { free(real) }
        let resolved = String(cString: real)
        guard allowsLinks || resolved == joined else {
            throw DataError(
                .malformed, file: joined, record: Self.origin(source, record),
                expected: "\(what) without symbolic links on its way", found: "a link to \(resolved)",
                remedy: "copy the file, or allow links: allow_links in dataset.yaml, --allow-symlinks in dmt score")
        }
        guard isFolder ? Folder.exists(resolved) : FileBytes.exists(resolved) else {
            throw DataError(
                .malformed, file: joined, record: Self.origin(source, record),
                expected: isFolder ? what : "a regular file",
                found: isFolder ? "a file, device or pipe" : "a folder, device or pipe", remedy: "mend the name")
        }
        return resolved
    }

    private static func origin(_ source: String, _ record: String?) -> String {
        record.map { "named in \(source), \($0)" } ?? "named in \(source)"
    }

    /// What is wrong with a name, or nil; looks at the characters alone.
    public static func fault(in name: String) -> String? {
        if name.isEmpty { return "an empty name" }
        if name.utf8.contains(0) { return "a NUL in the name" }
        if name.utf8.first == UInt8(ascii: "/") { return "the absolute path \(name)" }
        if name.utf8.contains(UInt8(ascii: "\\")) { return "a backslash in \(name)" }
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true)
        if parts.contains(where: { $0.elementsEqual("..".utf8) }) { return "'..' in \(name)" }
        if parts.allSatisfy({ $0.elementsEqual(".".utf8) }) { return "no file in \(name)" }
        return nil
    }
}
