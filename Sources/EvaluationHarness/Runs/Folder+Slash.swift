import SafeFiles

extension Folder {
    /// The path without the slash behind it that shells complete; the root as it is.
    static func withoutSlash(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
