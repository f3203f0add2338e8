/// Arguments as the program got them.
public enum ArgumentList {
    /// The arguments without an option and its value, `--out FOLDER` or `--out=FOLDER`, and without a flag.
    public static func removing(option: String, flag: String, from arguments: [String]) -> [String] {
        var kept: [String] = []
        var isValue = false
        for argument in arguments {
            if isValue {
                isValue = false
            } else if argument == option {
                isValue = true
            } else if argument != flag && !argument.hasPrefix(option + "=") {
                kept.append(argument)
            }
        }
        return kept
    }
}
