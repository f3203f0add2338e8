import SafeFiles

/// Checkpoints named in recipes: `shipped:NAME` is a file of the tool's resources, everything else a path.
public enum TeacherFiles {
    private static let scheme = "shipped:"

    /// - Throws: `.missing` when a shipped file is not there.
    public static func path(of name: String) throws(DataError) -> String {
        guard name.hasPrefix(scheme) else { return name }
        let path = try ResourceLocator.current().folder + "/teachers/" + name.dropFirst(scheme.count) + ".safetensors"
        guard FileBytes.exists(path) else {
            throw DataError(
                .missing, file: path, expected: "a shipped teacher", found: "no such file",
                remedy: "make the teachers with `make teachers`, or name a checkpoint by its path")
        }
        return path
    }
}
