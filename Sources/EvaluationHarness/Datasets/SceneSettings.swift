import SafeFiles

/// The drawn scenes that a recipe asks for.
struct SceneSettings: Sendable {
    var train: Int
    var validation: Int
    /// Side in pixels.
    var size: Int
    /// Training scenes whose labels the heads may use.
    var labelled: Int

    /// Reads the section `scenes` of a recipe.
    init(_ reader: RecipeReader) throws(DataError) {
        train = try reader.int("train", in: 16...1_000_000)
        validation = try reader.int("val", in: 8...1_000_000)
        size = try reader.int("size", in: 32...2048)
        labelled = try reader.int("labelled", in: 8...train)
    }
}
