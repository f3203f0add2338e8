import DenseData

/// The batches of a run counted in steps. A data set smaller than a batch is a batch.
struct EpochPlanOfSteps {
    private let plan: EpochPlan

    init(sampleCount: Int, batchSize: Int, seed: UInt64) {
        plan = EpochPlan(
            sampleCount: sampleCount, batchSize: batchSize, seed: seed, dropsLast: sampleCount >= batchSize)
    }

    func indices(step: Int) -> [Int] { plan.batch(step: step).indices }
}
