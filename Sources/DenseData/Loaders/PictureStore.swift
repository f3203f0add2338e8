import Geometry
import ImageFiles
import SafeFiles
import Synchronization

/// Decoded pictures kept in memory up to a budget; later ones are decoded each time. Results never depend on the budget.
public final class PictureStore: Sendable {
    private struct State {
        var pictures: [String: Picture] = [:]
        var bytes = 0
    }

    public let budget: Int
    public let limits: ImageLimits
    private let state = Mutex(State())

    /// - Parameters:
    ///   - budget: bytes of decoded pictures to keep; 0 keeps none.
    public init(budget: Int = 512 << 20, limits: ImageLimits = .standard) {
        self.budget = budget
        self.limits = limits
    }

    /// Bytes kept now.
    public var keptBytes: Int { state.withLock { $0.bytes } }

    public func picture(at path: String) throws(DataError) -> Picture {
        if let kept = state.withLock({ $0.pictures[path] }) { return kept }
        let picture = try PictureFile.load(path, limits: limits)
        keep(picture, path)
        return picture
    }

    /// A view of a picture. Where there is no room to keep the picture, only what the view shows is decoded.
    ///
    /// - Parameter framing: of a picture of the given size.
    /// - Throws: as `picture`; damage outside the view of a picture that is not kept may stay unseen.
    public func view(
        at path: String, filter: Resize.Filter, framing: (ImageSize) -> Framing
    ) throws(DataError) -> Picture {
        if let kept = state.withLock({ $0.pictures[path] }) {
            return framing(ImageSize(height: kept.height, width: kept.width)).picture(kept, filter: filter)
        }
        let file = try EncodedPicture(path, limits: limits)
        let framing = framing(ImageSize(height: file.height, width: file.width))
        guard keptBytes + file.height * file.width * 3 <= budget else {
            return try framing.picture(of: file, filter: filter)
        }
        let picture = try file.decoded()
        keep(picture, path)
        return framing.picture(picture, filter: filter)
    }

    private func keep(_ picture: Picture, _ path: String) {
        state.withLock { state in
            guard state.pictures[path] == nil, state.bytes + picture.pixels.count <= budget else { return }
            state.pictures[path] = picture
            state.bytes += picture.pixels.count
        }
    }
}
