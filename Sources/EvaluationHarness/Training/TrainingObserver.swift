import Communication

/// What stands beside the training of a model: it is told of steps, measures, keeps the state, stops.
public struct TrainingObserver<Model> {
    /// Called after every step; what it throws ends the run.
    public var onStep: (StepReport) throws -> Void = { _ in }
    /// Called after `onStep` with the steps done; its points become curves of the history. Must not change the model.
    var validate: (_ completedSteps: Int, _ history: inout TrainingHistory) throws -> Void = { _, _ in }
    /// Asked before every step.
    public var shouldStop: () -> Bool = { false }
    /// Keeps the state in a run folder, and goes on from there; nil keeps nothing.
    public var journal: TrainingJournal?
    /// The ranks that share each batch.
    public var group: any Communicator = SingleProcess()
    /// Becomes the moving average of the model's values, where the recipe asks for one.
    public var average: Model?

    public init(
        onStep: @escaping (StepReport) throws -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false },
        journal: TrainingJournal? = nil
    ) {
        self.onStep = onStep
        self.shouldStop = shouldStop
        self.journal = journal
    }
}
