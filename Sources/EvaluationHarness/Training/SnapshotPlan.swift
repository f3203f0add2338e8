import SafeFiles

/// How often a training saves its state, and how much of it stays on the disk. Decides no number of a result.
public struct SnapshotPlan: Sendable, Equatable {
    /// Steps from one snapshot to the next; nil is a twentieth of the run.
    public var every: Int?
    /// Snapshots that stay, the newest ones.
    public var keep = 2

    public init() {}

    /// Reads `save_every` and `keep` among the `training:` keys of a recipe.
    init(_ reader: RecipeReader) throws(DataError) {
        if reader.has("save_every") { every = try reader.int("save_every", in: 1...100_000_000) }
        keep = try reader.int("keep", in: 1...1000, default: keep)
    }

    /// The steps from one snapshot to the next.
    func interval(totalSteps: Int) -> Int { every ?? max(1, (totalSteps + 19) / 20) }
}
