import Communication
import NeuralLayers
import SafeFiles

/// What of a training outlives its process: snapshots to continue from, and records of the steps that were left out.
///
/// Of several ranks the leader alone keeps files; the others get the state from it.
public final class TrainingJournal {
    /// Nil on ranks that follow.
    public let run: RunFolder?
    private let group: any Communicator
    /// Steps that are done when training begins: 0, or those of the snapshot that it continues from.
    public let firstStep: Int
    /// Called before each snapshot: makes logs durable that the snapshot takes for granted.
    var beforeSave: () throws -> Void = {}
    private let snapshots: SnapshotFolder?
    private let interval: Int
    private let totalSteps: Int
    private let nonFinite: NonFiniteLog?
    private var resumed: (snapshot: TrainingSnapshot, file: String)?
    private var savedSteps: Int

    /// Opens the journal of a run folder; one that was reopened continues from its newest whole snapshot.
    ///
    /// - Parameter run: nil on ranks that follow.
    /// - Throws: `.configuration` when the snapshot belongs to another training (recipe, seed, data, checkpoints,
    ///   version, CPU path); `.malformed` when there are snapshots and none is whole.
    init(
        _ run: RunFolder?, _ plan: SnapshotPlan, totalSteps: Int, identity: TrainingIdentity, session: CommandSession
    ) throws(DataError) {
        self.run = run
        self.totalSteps = totalSteps
        group = session.group
        interval = plan.interval(totalSteps: totalSteps)
        snapshots = run.map { SnapshotFolder(path: "\($0.path)/checkpoints", keep: plan.keep, identity: identity) }
        resumed = try snapshots?.newest(totalSteps: totalSteps) { session.logger.warning("\($0)") }
        firstStep = session.group.leaders(resumed?.snapshot.completedSteps ?? 0)
        savedSteps = firstStep
        if let run { nonFinite = try NonFiniteLog(run, firstStep: firstStep) } else { nonFinite = nil }
        if run?.isResumed == true { session.note("continuing after step \(firstStep) of \(totalSteps)") }
    }

    /// Brings a training to where the snapshot stands; nil leaves it at its beginning.
    func restore(
        _ model: some Layer, _ optimizer: some Optimizer, _ carried: (any CarriedSums)?
    ) throws(DataError) -> TrainingHistory? {
        var history: TrainingHistory?
        if let (snapshot, file) = resumed {
            try snapshot.restore(into: model, optimizer, carried, file: file)
            resumed = nil
            history = snapshot.history
        }
        guard firstStep > 0, group.size > 1 else { return history }
        let state = SharedState(group)
        state.share(model, optimizer)
        carried?.sums = try state.shared(carried?.sums ?? [])
        return try state.shared(history)
    }

    /// Whether a snapshot is to be made after that many steps; after the last one the result itself is written.
    func isDue(_ completedSteps: Int) -> Bool {
        run != nil && completedSteps % interval == 0 && completedSteps < totalSteps
    }

    /// Saves a state, unless it is that of the last snapshot.
    ///
    /// - Throws: `.cannotWrite`, `.diskFull`, the older snapshots staying as they are; `NonFiniteState`.
    func save(_ snapshot: TrainingSnapshot) throws {
        guard let run, let snapshots, snapshot.completedSteps != savedSteps else { return }
        let broken = snapshot.brokenTensors
        guard broken.isEmpty else { throw NonFiniteState(step: snapshot.completedSteps, tensors: broken) }
        try beforeSave()
        do throws(DataError) {
            try nonFinite?.synchronize()
            run.note("checkpoints/\(Folder.name(of: try snapshots.save(snapshot)))")
        } catch {
            var failure = error
            failure.remedy += savedSteps > 0 ? "; the state after step \(savedSteps) is whole" : ""
            failure.remedy += ": continue with --out \(run.path) --resume"
            throw failure
        }
        savedSteps = snapshot.completedSteps
    }

    func record(_ step: NonFiniteStep) throws(DataError) { try nonFinite?.record(step) }
}

/// A state that is not saved because it holds values that are no finite numbers.
public struct NonFiniteState: Error, CustomStringConvertible {
    public var step: Int
    public var tensors: [String]
    public var description: String {
        "after step \(step) the state holds values that are not finite, in \(tensors.prefix(5).joined(separator: ", ")); "
            + "it is not saved; lower the learning rate."
    }
}
