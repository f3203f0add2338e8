import JSONText
import Reporting

/// What a checkpoint remembers of its training, in its metadata: protocol, settings, arm, seed, data.
struct TrainingNotes {
    var arm = ""
    var seed: UInt64 = 0
    var protocolEntries: [(String, String)] = []
    var settings: [ResolvedSetting] = []
    /// Name, split, coverage and hash of the training data.
    var trainingData = ""
    /// Why these weights and no others; empty for the last step's.
    var selection = ""

    init() {}

    /// Reads metadata that `metadata` wrote; what is missing stays empty.
    init(_ metadata: [String: String]) {
        arm = metadata["dmt.arm"] ?? ""
        seed = metadata["dmt.seed"].flatMap { UInt64($0) } ?? 0
        trainingData = metadata["dmt.training_data"] ?? ""
        selection = metadata["dmt.selection"] ?? ""
        if let text = metadata["dmt.protocol"], let json = try? JSONValue.parse(text, file: "dmt.protocol") {
            protocolEntries = (json.object ?? []).map { ($0.0, $0.1.string ?? "") }
        }
        if let text = metadata["dmt.settings"], let json = try? JSONValue.parse(text, file: "dmt.settings") {
            settings = (json.array ?? []).map {
                ResolvedSetting(
                    key: $0[0]?.string ?? "", value: $0[1]?.string ?? "", origin: $0[2]?.string ?? "")
            }
        }
    }

    var metadata: [String: String] {
        let selected = selection.isEmpty ? [:] : ["dmt.selection": selection]
        return selected.merging([
            "dmt.arm": arm, "dmt.seed": "\(seed)", "dmt.training_data": trainingData,
            "dmt.protocol": JSONValue.object(protocolEntries.map { ($0.0, .string($0.1)) }).text(),
            "dmt.settings": JSONValue.array(
                settings.map { .array([.string($0.key), .string($0.value), .string($0.origin)]) }
            ).text(),
        ]) { $1 }
    }
}
