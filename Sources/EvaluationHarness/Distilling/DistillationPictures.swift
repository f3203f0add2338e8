import DenseData
import ImageFiles

/// The pictures of a distillation: held in memory, or read from their files when a step needs them.
public struct DistillationPictures: Sendable {
    public let count: Int
    /// All of them, where they are held.
    let held: [Picture]
    private let read: @Sendable (Int) throws -> Picture

    public init(_ pictures: [Picture]) {
        (count, held) = (pictures.count, pictures)
        read = { pictures[$0] }
    }

    /// The first `limit` pictures of a data set; decoded ones are kept up to its own budget.
    init(_ dataset: any UnlabelledLoader, limit: Int?) {
        (count, held) = (min(limit ?? dataset.count, dataset.count), [])
        read = { try dataset.sample(at: $0).picture }
    }

    subscript(index: Int) -> Picture { get throws { try read(index) } }
}
