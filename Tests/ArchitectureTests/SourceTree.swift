import Foundation

/// The package's own files, for tests about its shape.
enum SourceTree {
    /// The package root, found from this file.
    static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    struct File {
        /// From the package root: "Sources/Reporting/Report/Report.swift".
        let path: String
        let text: String

        var name: String { String(path.split(separator: "/").last ?? "") }
        /// The second folder: the target.
        var target: String { String(path.split(separator: "/")[1]) }
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        /// Lines as editors count them: a final newline ends the last line.
        var lineCount: Int { text.hasSuffix("\n") ? lines.count - 1 : lines.count }
    }

    /// Files below a folder with one of the endings, in path order. Build folders and hidden ones are left out.
    static func files(_ folder: String, endings: [String]) throws -> [File] {
        guard let walker = FileManager.default.enumerator(atPath: root + "/" + folder) else { return [] }
        var paths: [String] = []
        for case let name as String in walker {
            let hidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
            if !hidden && endings.contains(where: { name.hasSuffix($0) }) { paths.append(folder + "/" + name) }
        }
        return try paths.sorted().map { File(path: $0, text: try text($0)) }
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }

    /// The modules that a Swift source imports, attributes and single-symbol imports included.
    static func imports(of source: String) -> [String] {
        source.split(separator: "\n").compactMap { line in
            var words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
            while let first = words.first,
                first.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(first)
            {
                words.removeFirst()
            }
            guard words.first == "import", words.count >= 2 else { return nil }
            let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let module = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            return module.split(separator: ".").first.map(String.init)
        }
    }
}
