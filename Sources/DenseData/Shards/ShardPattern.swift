import Foundation
import SafeFiles

/// Which archives a data set lies in: `train-{000000..000146}.tar` as a shell reads it, `train-*.tar`, one file, or a
/// folder of `.tar` files.
enum ShardPattern {
    /// Above this a range is a mistake.
    private static let most = 100_000

    /// The files below `root`, ranges in their own order, globs and folders in byte order.
    ///
    /// - Parameter source: what names the pattern, for messages.
    /// - Throws: `.configuration` for a pattern that cannot be read; `.missing` for a file that is not there and where
    ///   nothing matches.
    static func files(_ pattern: String, in root: RootedPath, source: String) throws(DataError) -> [String] {
        var files: [String] = []
        for name in try expanded(pattern, source: source) {
            if name.contains(where: { "*?[".contains($0) }) {
                files += try matching(name, in: root, source: source)
            } else if name == "." || (RootedPath.fault(in: name) == nil && Folder.exists("\(root.root)/\(name)")) {
                files += try matching(name == "." ? "*.tar" : "\(name)/*.tar", in: root, source: source)
            } else {
                files.append(try root.resolve(name, in: source, record: "shards"))
            }
        }
        return files
    }

    private static func matching(_ glob: String, in root: RootedPath, source: String) throws(DataError) -> [String] {
        let (parent, last) = (Folder.parent(of: glob), Folder.name(of: glob))
        if let fault = RootedPath.fault(in: glob) { throw wrong(source, "a pattern below the root", fault) }
        guard !parent.contains(where: { "*?[".contains($0) }) else {
            throw wrong(source, "a pattern of files in one folder", glob)
        }
        var files: [String] = []
        for entry in try Folder.entries(parent == "." ? root.root : "\(root.root)/\(parent)")
        where fnmatch(last, entry, 0) == 0 {
            files.append(try root.resolve(parent == "." ? entry : "\(parent)/\(entry)", in: source, record: "shards"))
        }
        guard !files.isEmpty else {
            throw DataError(
                .missing, file: "\(root.root)/\(glob)", expected: "tar archives of that name", found: "none",
                remedy: "check root and shards; compressed archives must be decompressed")
        }
        return files
    }

    /// The names that `{a,b}` and `{000..146}` stand for; a range keeps its zeros.
    static func expanded(_ pattern: String, source: String) throws(DataError) -> [String] {
        guard let open = pattern.firstIndex(of: "{") else {
            guard !pattern.contains("}") else { throw wrong(source, "'{' before '}'", pattern) }
            return [pattern]
        }
        let (before, rest) = (pattern[..<open], pattern[pattern.index(after: open)...])
        guard let close = rest.firstIndex(of: "}"), !before.contains("}"), !rest[..<close].contains("{") else {
            throw wrong(source, "braces in pairs, none inside another", pattern)
        }
        let words = try words(String(rest[..<close]), source: source)
        let tails = try expanded(String(rest[rest.index(after: close)...]), source: source)
        guard words.count <= most / tails.count else {
            throw wrong(source, "at most \(most) shards", "\(words.count) times \(tails.count)")
        }
        return words.flatMap { word in tails.map { before + word + $0 } }
    }

    private static func words(_ text: String, source: String) throws(DataError) -> [String] {
        let ends = text.split(separator: "..", omittingEmptySubsequences: false).map(String.init)
        if ends.count == 1 {
            let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard words.count > 1 else { throw wrong(source, "{first..last} or {one,other}", "{\(text)}") }
            return words
        }
        let digits = ends.allSatisfy { !$0.isEmpty && $0.count <= 18 && $0.allSatisfy { "0123456789".contains($0) } }
        guard ends.count == 2, digits, let first = Int(ends[0]), let last = Int(ends[1]), first <= last else {
            throw wrong(source, "{first..last} with whole numbers that rise", "{\(text)}")
        }
        guard last - first < most else { throw wrong(source, "at most \(most) shards", "{\(text)}") }
        let isPadded = ends.contains { $0.count > 1 && $0.hasPrefix("0") }
        let width = isPadded ? max(ends[0].count, ends[1].count) : 0
        return (first...last).map { number in
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
    }

    private static func wrong(_ source: String, _ expected: String, _ found: String) -> DataError {
        DataError(
            .configuration, file: source, record: "shards", expected: expected, found: found,
            remedy: "write for example train-{000000..000146}.tar, train-*.tar, or a folder")
    }
}
