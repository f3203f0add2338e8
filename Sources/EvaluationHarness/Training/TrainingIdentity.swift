import JSONText
import SafeFiles
import TensorCore

/// What a training depends on besides its state, or an evaluation besides what it has predicted. It is continued under the
/// same alone: anything else would join two runs into one that nobody can repeat.
public struct TrainingIdentity: Sendable, Equatable {
    private struct Part: Sendable, Equatable {
        var key: String
        var value: String
        var remedy: String
    }
    private var parts: [Part]

    /// - Parameters:
    ///   - recipe: `Recipe.hash`.
    ///   - data: the content hash of the data.
    ///   - checkpoints: name and hash of each checkpoint that goes in: teachers, a pretrained backbone.
    ///   - options: what the command line decides of the result besides.
    ///   - tool, cpuPath: those of this process unless told otherwise.
    init(
        recipe: String, seed: UInt64, data: String, checkpoints: [(name: String, hash: String)] = [],
        options: String = "", tool: String = "dmt \(BuildInfo.version)", cpuPath: String = Kernels.pathName
    ) {
        parts = [
            Part(key: "recipe", value: recipe, remedy: "use the recipe and the overrides that the run began with"),
            Part(key: "seed", value: "\(seed)", remedy: "give the --seed that the run began with"),
            Part(key: "data", value: data, remedy: "bring back the pictures and labels that the run began with"),
            Part(
                key: "checkpoints", value: checkpoints.map { "\($0.name)=\($0.hash)" }.joined(separator: " "),
                remedy: "give the checkpoints that the run began with"),
            Part(key: "options", value: options, remedy: "give the options that the run began with"),
            Part(key: "tool", value: tool, remedy: "continue with the version that the run began with"),
            Part(
                key: "cpu_path", value: cpuPath,
                remedy: "set DMT_CPU to the path that the run began with: each has its own bytes"),
        ]
    }

    /// An object of texts.
    var json: JSONValue { .object(parts.map { ($0.key, .string($0.value)) }) }

    /// Compares with the identity that a snapshot holds.
    ///
    /// - Parameter saved: what `json` wrote.
    /// - Throws: `.configuration` for the first part that differs.
    func check(_ saved: JSONValue, file: String) throws(DataError) {
        for part in parts {
            let old = saved[part.key]?.string ?? "nothing"
            guard old != part.value else { continue }
            throw DataError(
                .configuration, file: file, record: part.key, expected: "to continue under \(Self.shown(old))",
                found: Self.shown(part.value), remedy: "\(part.remedy), or start a new run")
        }
    }

    private static func shown(_ value: String) -> String {
        value.isEmpty ? "none" : value.count > 80 ? "\(value.prefix(80))…" : value
    }
}
