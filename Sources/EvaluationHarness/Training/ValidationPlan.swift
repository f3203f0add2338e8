import SafeFiles

/// When a training measures itself, and on what. Decides no number of the trained weights, only which of them are called
/// the best.
public struct ValidationPlan: Sendable, Equatable {
    /// Steps from one measurement to the next; the last step is measured too.
    public var every: Int
    public var split = "val"
    /// Pictures at equal distances of the split; nil takes all.
    public var pictures: Int?

    public init(every: Int) { self.every = every }

    /// Reads the section `training.validate` of a recipe.
    init(_ reader: RecipeReader) throws(DataError) {
        every = try reader.int("every", in: 1...100_000_000)
        split = try reader.value("split", default: split)
        if reader.has("pictures") { pictures = try reader.int("pictures", in: 1...100_000_000) }
    }

    func isDue(_ completedSteps: Int, of totalSteps: Int) -> Bool {
        completedSteps % every == 0 || completedSteps == totalSteps
    }
}
