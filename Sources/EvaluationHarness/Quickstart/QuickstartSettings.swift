import SafeFiles

/// One row of the table: how its student starts.
public enum QuickstartArm: String, Sendable, CaseIterable {
    /// Random values.
    case scratch
    /// Distilled from one teacher.
    case mae, mocov3, ibot
    /// Distilled from all teachers through the consensus gate.
    case dmt
    /// Distilled from all teachers, weighted equally.
    case mean

    /// The table's arms unless others are asked for.
    public static let standard: [QuickstartArm] = [.scratch, .mae, .mocov3, .ibot, .dmt]

    /// The names of the arm's teachers among all.
    func teachers(among all: [String]) -> [String] {
        switch self {
        case .scratch: []
        case .mae, .mocov3, .ibot: [rawValue]
        case .dmt, .mean: all
        }
    }

    var title: String {
        switch self {
        case .scratch: "scratch"
        case .mae: "MAE only"
        case .mocov3: "MoCo v3 only"
        case .ibot: "iBOT only"
        case .dmt: "DMT (consensus)"
        case .mean: "mean of all"
        }
    }
}

/// Everything that decides a quickstart, read from its recipe.
struct QuickstartSettings: Sendable {
    var scenes: SceneSettings
    var bootstrapDraws: Int
    /// Side that the neighbours' crops are shown at.
    var neighbourSize: Int
    var distillRecipe: String
    var segmentRecipe: String
    var detectRecipe: String
    var distillOverrides: [String]
    var segmentOverrides: [String]
    var detectOverrides: [String]

    init(_ recipe: Recipe) throws(DataError) {
        let reader = recipe.reader()
        let header = try RecipeHeader(reader)
        guard header.kind == .quickstart else {
            throw reader.refused(
                "kind", expected: "quickstart", found: header.kind.rawValue, "name a quickstart recipe")
        }
        scenes = try SceneSettings(try reader.map("scenes"))
        bootstrapDraws = try reader.int("bootstrap_draws", in: 100...100_000)
        neighbourSize = try (try reader.map("neighbours")).int("size", in: 8...2048)
        (distillRecipe, distillOverrides) = try Self.stage(reader, "distill")
        (segmentRecipe, segmentOverrides) = try Self.stage(reader, "segment")
        (detectRecipe, detectOverrides) = try Self.stage(reader, "detect")
        try reader.assertAllKeysRead()
    }

    private static func stage(_ reader: RecipeReader, _ key: String) throws(DataError) -> (String, [String]) {
        let map = try reader.map(key)
        return (try map.value("recipe"), try map.value("overrides", default: [String]()))
    }
}
