import DenseData
import ImageFiles

/// The pictures of a distillation: held in memory, or read from their folder when a step needs them.
public struct DistillationPictures: Sendable {
    public let count: Int
    /// All of them, where they are held.
    let held: [Picture]
    private let read: @Sendable (Int) throws -> Picture

    public init(_ pictures: [Picture]) {
        (count, held) = (pictures.count, pictures)
        read = { pictures[$0] }
    }

    /// The first `limit` pictures of a folder; decoded ones are kept up to the folder's own budget.
    init(_ folder: PictureFolder, limit: Int?) {
        (count, held) = (min(limit ?? folder.count, folder.count), [])
        read = { try folder.sample(at: $0).picture }
    }

    subscript(index: Int) -> Picture { get throws { try read(index) } }
}
