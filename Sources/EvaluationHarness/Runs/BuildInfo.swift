import SafeFiles

/// What this program is: version and, where it can be known, the commit.
public enum BuildInfo {
    public static let version = "0.1.0"

    /// The toolchain's version as the compiler's conditions tell it.
    public static var swiftVersion: String {
        #if compiler(>=6.4)
            "6.4 or later"
        #elseif compiler(>=6.3)
            "6.3"
        #elseif compiler(>=6.2)
            "6.2"
        #else
            "6.1"
        #endif
    }

    /// The commit: of the checkout the program runs in, or as `make install` wrote it to `share/dmt/COMMIT`.
    public static func commit(_ locator: ResourceLocator?) -> String? {
        guard let locator else { return nil }
        if let text = firstLine("\(locator.folder)/COMMIT"), isCommit(text) { return text }
        guard let checkout = locator.checkout, let git = gitFolder(checkout), let head = firstLine("\(git)/HEAD") else {
            return nil
        }
        guard head.hasPrefix("ref: ") else { return isCommit(head) ? head : nil }
        let name = String(head.dropFirst(5))
        let common = firstLine("\(git)/commondir").map { $0.hasPrefix("/") ? $0 : "\(git)/\($0)" } ?? git
        for folder in [git, common] {
            if let text = firstLine("\(folder)/\(name)"), isCommit(text) { return text }
        }
        guard let packed = try? FileBytes.read("\(common)/packed-refs", limit: 1 << 24) else { return nil }
        let line = String(decoding: packed, as: UTF8.self).split(separator: "\n").first { $0.hasSuffix(" " + name) }
        return line.map { String($0.prefix { $0 != " " }) }.flatMap { isCommit($0) ? $0 : nil }
    }

    /// `.git` is a folder, or in a linked work tree a file that names it.
    private static func gitFolder(_ checkout: String) -> String? {
        let path = "\(checkout)/.git"
        if Folder.exists(path) { return path }
        guard let line = firstLine(path), line.hasPrefix("gitdir: ") else { return nil }
        let target = String(line.dropFirst(8))
        return target.hasPrefix("/") ? target : "\(checkout)/\(target)"
    }

    private static func firstLine(_ path: String) -> String? {
        guard let bytes = try? FileBytes.read(path, limit: 1 << 16) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }

    private static func isCommit(_ text: String) -> Bool {
        (text.count == 40 || text.count == 64) && text.allSatisfy { $0.isHexDigit }
    }
}
