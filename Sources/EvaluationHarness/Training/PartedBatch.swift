/// Settings of a training whose steps may take their batch in parts.
protocol PartedBatch {
    /// Pictures that a step takes at a time; nil takes the whole batch.
    var microBatch: Int? { get }
}

extension PartedBatch {
    /// How many parts a batch is taken in; one where the data set is too small for whole ones.
    func parts(of batch: Int) -> Int { microBatch.map { batch % $0 == 0 ? batch / $0 : 1 } ?? 1 }
}
