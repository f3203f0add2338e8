import SafeFiles
import Yams

/// YAML text to `RecipeNode`. The only file that knows the YAML library.
enum YAMLText {
    /// Parses one document.
    ///
    /// - Parameters:
    ///   - file: the name used in origins and errors.
    /// - Throws: `.configuration` for broken YAML, a key given twice, a tag, an alias or a limit exceeded.
    static func parse(_ bytes: [UInt8], file: String) throws(DataError) -> RecipeNode {
        try parse(bytes, file: file) { .file(file, line: $0) }
    }

    /// Parses the value of an override; `1`, `[1, 2]` and `{a: 1}` mean what they mean in a file.
    static func parse(override text: String, argument: String) throws(DataError) -> RecipeNode {
        try parse(Array(text.utf8), file: "'\(argument)'") { _ in .commandLine }
    }

    private static func parse(
        _ bytes: [UInt8], file: String, origin: (Int) -> RecipeOrigin
    ) throws(DataError) -> RecipeNode {
        try YAMLLimits(file: file).check(bytes)
        let root: Node?
        do {
            root = try Parser(yaml: String(decoding: bytes, as: UTF8.self), resolver: .basic, encoding: .utf8)
                .singleRoot()
        } catch let error as YamlError {
            throw refused(file, error)
        } catch {
            throw DataError(
                .configuration, file: file, expected: "YAML", found: "\(error)", remedy: "correct the file")
        }
        guard let root else { return RecipeNode(.scalar("", isQuoted: false), origin: origin(1)) }
        return try node(root, file: file, origin: origin)
    }

    private static func node(_ node: Node, file: String, origin: (Int) -> RecipeOrigin) throws(DataError) -> RecipeNode
    {
        let line = node.mark?.line ?? 1
        try assertNoTag(node, line: line, file: file)
        switch node {
        case .scalar(let scalar):
            // What can only be written in quotes is a text however it stood: several lines, letters with accents.
            let isQuoted = scalar.style != .plain && scalar.style != .any || !RecipeNode.isPlain(scalar.string)
            return RecipeNode(.scalar(scalar.string, isQuoted: isQuoted), origin: origin(line))
        case .sequence(let items):
            var list: [RecipeNode] = []
            for item in items { list.append(try Self.node(item, file: file, origin: origin)) }
            return RecipeNode(.list(list), origin: origin(line))
        case .mapping(let mapping):
            var pairs: [(key: String, value: RecipeNode)] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw DataError(
                        .configuration, file: file, record: "line \(key.mark?.line ?? line)", expected: "a name as key",
                        found: "a list or map as key", remedy: "quote the key")
                }
                // The library tells keys of one name apart by their tags.
                try assertNoTag(key, line: key.mark?.line ?? line, file: file)
                guard name.string.utf8.count <= YAMLLimits.maximalKeyBytes else {
                    throw DataError(
                        .configuration, file: file, record: "line \(key.mark?.line ?? line)",
                        expected: "keys of at most \(YAMLLimits.maximalKeyBytes) bytes",
                        found: "\(name.string.utf8.count)", remedy: "shorten the key")
                }
                // A key's own line is the better origin for a map or list that starts on the next one.
                var child = try Self.node(value, file: file, origin: origin)
                if let mark = key.mark { child.origin = origin(mark.line) }
                pairs.append((name.string, child))
            }
            return RecipeNode(.map(pairs), origin: origin(line))
        case .alias:
            throw DataError(
                .configuration, file: file, record: "line \(line)", expected: "values written out", found: "an alias",
                remedy: "repeat the value, or use 'extends:'")
        }
    }

    private static func assertNoTag(_ node: Node, line: Int, file: String) throws(DataError) {
        let tag = node.tag.description
        guard ["str", "seq", "map"].contains(where: { tag == "tag:yaml.org,2002:\($0)" }) else {
            throw DataError(
                .configuration, file: file, record: "line \(line)", expected: "values without tags",
                found: "the tag \(tag)", remedy: "remove the tag; types follow from the keys")
        }
    }

    private static func refused(_ file: String, _ error: YamlError) -> DataError {
        var record: String?
        let found: String
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            record = "line \(mark.line), column \(mark.column)"
            found = (context.map { $0.text + ", " } ?? "") + problem
        case .duplicatedKeysInMapping(let duplicates, let context):
            record = "line \(context.mark.line)"
            found = "twice the key " + duplicates.sorted().joined(separator: ", ")
        case .reader(let problem, _, _, _): found = problem
        default: found = "\(error)"
        }
        return DataError(
            .configuration, file: file, record: record, expected: "a YAML document", found: found,
            remedy: "correct the text; indentation is by spaces")
    }
}
