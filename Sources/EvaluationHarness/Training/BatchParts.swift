/// The batches of the steps in equal parts, as far as they are made here.
///
/// Whoever takes them goes through steps in order, and through each step's parts in order.
final class BatchParts<View: Sendable> {
    private let batches: BatchesAhead<View>
    private let share: BatchPlaces
    private var present: (items: [Int], views: [View]) = ([], [])

    /// - Parameter share: the places that `batches` makes.
    init(_ batches: BatchesAhead<View>, _ share: BatchPlaces) {
        self.batches = batches
        self.share = share
    }

    /// The samples of a part, their views, and their places in the whole batch.
    ///
    /// - Throws: what making a view of the step threw.
    func part(_ part: Int, of step: Int) throws -> (items: [Int], views: [View], places: Range<Int>) {
        if part == 0 { present = try batches.batch(step) }
        let own = share.range(of: part)
        let first = share.places[own.lowerBound]
        return (Array(present.items[own]), Array(present.views[own]), first..<first + own.count)
    }
}
