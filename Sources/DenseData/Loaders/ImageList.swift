import ImageFiles
import SafeFiles

/// Lists of picture names: from folders, and from files that restrict a data set.
public enum ImageList {
    /// One name a line; blank lines and lines starting with `#` are skipped.
    public static func read(_ path: String) throws(DataError) -> [String] {
        let bytes = try FileBytes.read(path, limit: 1 << 28)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DataError(
                .malformed, file: path, expected: "UTF-8 text", found: "other bytes", remedy: "save the list as UTF-8")
        }
        let lines = text.split(whereSeparator: \.isNewline)
        return lines.map { line in
            String(line.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
        }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }

    /// The positions in `names` of the listed ones, in the order of `names`.
    ///
    /// A listed name may leave out the ending.
    /// - Throws: `.malformed` for a listed name that the data set does not have, and for an empty list.
    public static func restrict(_ names: [String], to listed: [String], file: String) throws(DataError) -> [Int] {
        var places: [String: Int] = [:]
        for (place, name) in names.enumerated() {
            places[stem(name)] = place
            places[name] = place
        }
        var chosen = Set<Int>()
        for name in listed {
            guard let place = places[name] else {
                throw DataError(
                    .malformed, file: file, record: name, expected: "names of pictures in the data set",
                    found: "a name it does not have", remedy: "mend the list or use the data set it was made for")
            }
            chosen.insert(place)
        }
        guard !chosen.isEmpty else {
            throw DataError(
                .malformed, file: file, expected: "at least one name", found: "none", remedy: "fill the list")
        }
        return chosen.sorted()
    }

    /// The name without its ending.
    static func stem(_ name: String) -> String {
        guard let dot = name.lastIndex(of: "."), !name[dot...].contains("/") else { return name }
        return String(name[..<dot])
    }

    /// Picture files below a folder of `root`, as paths relative to it, in byte order, `depth` folders deep.
    ///
    /// - Parameter folder: relative to the root; empty for the root itself.
    private static func scan(_ folder: String, of root: RootedPath, depth: Int) throws(DataError) -> [String] {
        var names: [String] = []
        let path = folder.isEmpty ? root.root : try root.resolveFolder(folder, in: root.root)
        for entry in try Folder.entries(path) {
            if PictureFile.hasPictureEnding(entry) {
                names.append(entry)
            } else if depth > 0 && Folder.exists("\(path)/\(entry)") {
                let below = folder.isEmpty ? entry : "\(folder)/\(entry)"
                names += try scan(below, of: root, depth: depth - 1).map { "\(entry)/\($0)" }
            }
        }
        return names
    }

    /// Picture files below a folder of `root`, as paths relative to that folder, in byte order, `depth` folders deep.
    ///
    /// - Parameter folder: relative to the root; empty for the root itself.
    /// - Throws: `.missing` where there is none; `.malformed` for a folder that is a link where links are not allowed.
    static func pictures(
        of root: RootedPath, in folder: String = "", depth: Int = 0
    ) throws(DataError) -> [String] {
        let names = try scan(folder, of: root, depth: depth)
        guard !names.isEmpty else {
            throw DataError(
                .missing, file: folder.isEmpty ? root.root : "\(root.root)/\(folder)", expected: "JPEG or PNG files",
                found: "none", remedy: "check the folder")
        }
        return names
    }
}
