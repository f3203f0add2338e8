/// The batches of the steps in equal parts: consecutive places, the last part's end being the batch's.
///
/// Whoever takes them goes through steps in order, and through each step's parts in order.
final class BatchParts<View: Sendable> {
    /// How many parts a batch has.
    let count: Int
    private let batches: BatchesAhead<View>
    private let size: Int
    private var present: (items: [Int], views: [View]) = ([], [])

    /// - Parameters:
    ///   - batchSize: of every step.
    ///   - microBatch: pictures of a part; one part where this is nil or does not divide the batch (of a data set that is
    ///     smaller than the recipe's).
    init(_ batches: BatchesAhead<View>, batchSize: Int, microBatch: Int?) {
        self.batches = batches
        size = microBatch.flatMap { batchSize % $0 == 0 ? $0 : nil } ?? batchSize
        count = batchSize / size
    }

    /// The samples of a part, their views, and their places in the whole batch.
    ///
    /// - Throws: what making a view of the step threw.
    func part(_ part: Int, of step: Int) throws -> (items: [Int], views: [View], places: Range<Int>) {
        if part == 0 { present = try batches.batch(step) }
        let places = part * size..<(part + 1) * size
        return (Array(present.items[places]), Array(present.views[places]), places)
    }
}
