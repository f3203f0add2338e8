import Communication
import SafeFiles

/// Which places of each batch a rank works on.
///
/// A batch is taken in parts, one after the other; of each part every rank has an equal, consecutive share. So a part is the
/// same pictures on any number of ranks.
struct BatchPlaces {
    /// Of all parts, in order.
    let places: [Int]
    /// Places of a part.
    let count: Int

    /// - Throws: `.configuration` for a part that the ranks cannot share equally.
    init(batch: Int, parts: Int = 1, _ group: any Communicator) throws(DataError) {
        let part = batch / parts
        guard part % group.size == 0 else {
            throw DataError(
                .configuration, file: "recipe", record: parts == 1 ? "training.batch" : "training.micro_batch",
                expected: "a multiple of the \(group.size) ranks", found: "\(part) pictures",
                remedy: "change the batch or the number of ranks; a data set smaller than a batch is one")
        }
        count = part / group.size
        places = (0..<parts).flatMap { number in group.share(of: part).map { number * part + $0 } }
    }

    /// Where the places of a part stand among `places`.
    func range(of part: Int) -> Range<Int> { part * count..<(part + 1) * count }
}
