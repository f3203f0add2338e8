/// Reads a value from a closed list of names, for arguments.
public enum NamedChoice {
    /// What is wrong with a name, in one sentence; nil when it is one of `known`.
    public static func complaint(_ name: String, among known: [String], option: String) -> String? {
        if known.contains(name) { return nil }
        let near = Spelling.nearest(to: name, among: known).map { " Did you mean '\($0)'?" } ?? ""
        return "\(option) \(name): use \(known.joined(separator: ", ")).\(near)"
    }
}
