import Determinism
import Reporting
import SafeFiles

/// A resolved recipe: files joined along `extends:`, then the overrides of the command line.
///
/// `extends:` stands at the top level and names one recipe or a list of them, each a shipped name or a path relative to
/// the file that says so; later ones lie over earlier ones, the file itself over all. Maps merge key by key, lists and
/// scalars are replaced whole.
public struct Recipe: Sendable {
    /// The `name:` of the recipe, else the file's name without ending.
    public let name: String
    /// Where it was loaded from.
    public let file: String
    public let root: RecipeNode

    /// Files that may stand in one chain.
    static let maximalChain = 16

    /// - Parameters:
    ///   - root: a map; `extends` is resolved already.
    /// - Throws: `.configuration` for another kind of value.
    init(name: String, file: String, root: RecipeNode) throws(DataError) {
        guard case .map = root.content else {
            throw DataError(
                .configuration, file: file, expected: "a map of keys", found: root.summary,
                remedy: "write 'key: value' lines")
        }
        if let own = root["name"], case .scalar(let text, _) = own.content, !own.isNull {
            self.name = text
        } else {
            self.name = name
        }
        self.file = file
        self.root = root
    }

    /// Loads a recipe file, its chain and the overrides.
    ///
    /// - Parameters:
    ///   - library: where `extends:` finds shipped names; nil for files alone.
    /// - Throws: `.missing` for a file that is not there; `.configuration` for everything wrong inside.
    public static func load(
        file path: String, overrides: [String] = [], library: RecipeLibrary? = nil
    ) throws(DataError) -> Recipe {
        var root = try chain(path, library: library, above: [])
        for argument in overrides { root = try RecipeOverride(argument).applied(to: root) }
        let stem = Folder.name(of: path)
        return try Recipe(
            name: stem.lastIndex(of: ".").map { String(stem[..<$0]) } ?? stem, file: path, root: root)
    }

    private static func chain(
        _ path: String, library: RecipeLibrary?, above: [String]
    ) throws(DataError) -> RecipeNode {
        let shown = library?.displayName(ofFile: path) ?? path
        let identity = canonical(path)
        if above.contains(identity) || above.count >= maximalChain {
            throw DataError(
                .configuration, file: shown, record: "extends", expected: "a chain of recipes that ends",
                found: above.contains(identity) ? "a file that extends itself" : "more than \(maximalChain) files",
                remedy: "remove one 'extends:'")
        }
        let size = try FileBytes.size(of: path)
        guard size <= YAMLLimits.maximalBytes else { throw YAMLLimits(file: shown).tooLarge(size) }
        let own = try YAMLText.parse(FileBytes.read(path, limit: YAMLLimits.maximalBytes), file: shown)
        guard case .map(let pairs) = own.content, let extends = own["extends"] else { return own }
        var root: RecipeNode?
        for name in try baseNames(extends) {
            let base = try basePath(name, of: path, library: library, origin: extends.origin)
            let node = try chain(base, library: library, above: above + [identity])
            root = root?.merged(with: node) ?? node
        }
        let rest = RecipeNode(.map(pairs.filter { $0.key != "extends" }), origin: own.origin)
        return root?.merged(with: rest) ?? rest
    }

    private static func baseNames(_ node: RecipeNode) throws(DataError) -> [String] {
        switch node.content {
        case .scalar(let text, _) where !node.isNull: return [text]
        case .list(let items):
            var names: [String] = []
            for item in items {
                guard case .scalar(let text, _) = item.content, !item.isNull else { break }
                names.append(text)
            }
            if names.count == items.count { return names }
        default: break
        }
        throw DataError(
            .configuration, file: "\(node.origin)", record: "extends",
            expected: "a recipe's name or file, or a list of them",
            found: node.summary, remedy: "correct the line")
    }

    private static func basePath(
        _ name: String, of path: String, library: RecipeLibrary?, origin: RecipeOrigin
    ) throws(DataError) -> String {
        if name.hasPrefix("/"), FileBytes.exists(name) { return name }
        let beside = "\(Folder.parent(of: path))/\(name)"
        for candidate in [beside, beside + ".yaml"] where FileBytes.exists(candidate) { return candidate }
        if let library, let shipped = library.file(named: name) { return shipped }
        throw DataError(
            .missing, file: "\(origin)", record: "extends",
            expected: "a recipe file beside this one, or a shipped recipe",
            found: "nothing called '\(name)'", remedy: "see 'dmt recipes' for the shipped ones")
    }

    private static func canonical(_ path: String) -> String {
        (try? RootedPath(root: Folder.parent(of: path)))?.root.appending("/" + Folder.name(of: path)) ?? path
    }

    /// A reader over the whole recipe.
    public func reader() -> RecipeReader { RecipeReader(root, file: file) }

    /// Every value with its path and origin, for run records.
    public var settings: [ResolvedSetting] {
        root.leaves().map { leaf in
            ResolvedSetting(key: leaf.path, value: leaf.node.yaml().trimmingSuffix("\n"), origin: "\(leaf.node.origin)")
        }
    }

    /// SHA-256 over paths and values in order of path: the same for equal recipes however they were put together.
    public var hash: String {
        var hash = SHA256()
        for setting in settings.sorted(by: { $0.key < $1.key }) {
            hash.update("\(setting.key.utf8.count):\(setting.key)=\(setting.value.utf8.count):\(setting.value)\n")
        }
        return hash.hex()
    }
}

extension String {
    func trimmingSuffix(_ suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : self }
}
