import SafeFiles

/// The recipes that ship with the tool, by name.
public struct RecipeLibrary: Sendable {
    /// Folder of `NAME.yaml` files.
    public let folder: String

    public init(folder: String) { self.folder = folder }

    /// The recipes of the running program.
    ///
    /// - Throws: `.missing` when the tool's files are not found.
    public static func shipped() throws(DataError) -> RecipeLibrary {
        RecipeLibrary(folder: try ResourceLocator.current().folder + "/recipes")
    }

    /// Names in ascending order, those of a sub-folder as `FOLDER/NAME`. Files that start with `_` are bases for `extends:`
    /// and are no recipes.
    public func names() throws(DataError) -> [String] {
        var names: [String] = []
        for entry in try Folder.entries(folder) {
            if entry.hasSuffix(".yaml") {
                names.append(entry)
            } else if !entry.contains(".") {
                names += try Folder.entries("\(folder)/\(entry)").filter { $0.hasSuffix(".yaml") }.map {
                    "\(entry)/\($0)"
                }
            }
        }
        return names.filter { !Folder.name(of: $0).hasPrefix("_") }.map { $0.trimmingSuffix(".yaml") }.sorted()
    }

    /// The file of a shipped recipe (or base), if there is one.
    func file(named name: String) -> String? {
        guard RootedPath.fault(in: name) == nil, name.split(separator: "/").count <= 2 else { return nil }
        let path = "\(folder)/\(name.trimmingSuffix(".yaml")).yaml"
        return FileBytes.exists(path) ? path : nil
    }

    /// `recipes/NAME.yaml` for files of this library: origins that do not depend on where the tool is installed.
    func displayName(ofFile path: String) -> String? {
        path.hasPrefix(folder + "/") ? "recipes" + path.dropFirst(folder.count) : nil
    }

    /// Loads a shipped recipe or a file.
    ///
    /// - Parameter nameOrFile: a name from `names()`, or a path (of a file that is there, or ending in `.yaml` or `.yml`); where a file and a
    ///   name are alike, the file counts.
    /// - Throws: `.missing` for neither; else as `Recipe.load`.
    public func load(_ nameOrFile: String, overrides: [String] = []) throws(DataError) -> Recipe {
        let isNamedAsFile = nameOrFile.hasSuffix(".yaml") || nameOrFile.hasSuffix(".yml")
        if isNamedAsFile || nameOrFile.contains("/") && FileBytes.exists(nameOrFile) {
            return try Recipe.load(file: nameOrFile, overrides: overrides, library: self)
        }
        guard let path = file(named: nameOrFile) else {
            let known = try names()
            let near = Spelling.nearest(to: nameOrFile, among: known)
            throw DataError(
                .missing, file: nameOrFile, expected: "the name of a recipe, or a .yaml file", found: "neither",
                remedy: near.map { "did you mean '\($0)'?" }
                    ?? (known.isEmpty ? "give a file" : "known: " + known.joined(separator: ", ")))
        }
        return try Recipe.load(file: path, overrides: overrides, library: self)
    }
}
