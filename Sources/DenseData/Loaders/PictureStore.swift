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
        try picture(named: path) { () throws(DataError) in try FileBytes.read(path, limit: limits.maxFileBytes) }
    }

    /// A picture that is no file of its own.
    ///
    /// - Parameters:
    ///   - name: no other picture's; what errors call it.
    ///   - read: its encoded bytes; not called where the picture is kept.
    public func picture(
        named name: String, _ read: () throws(DataError) -> [UInt8]
    ) throws(DataError) -> Picture {
        if let kept = state.withLock({ $0.pictures[name] }) { return kept }
        let picture = try PictureFile.decode(read(), file: name, limits: limits)
        keep(picture, name)
        return picture
    }

    /// A view of a picture. Where there is no room to keep the picture, only what the view shows is decoded.
    ///
    /// - Parameter framing: of a picture of the given size.
    /// - Throws: as `picture`; damage outside the view of a picture that is not kept may stay unseen.
    public func view(
        at path: String, filter: Resize.Filter, framing: (ImageSize) -> Framing
    ) throws(DataError) -> Picture {
        try view(named: path, filter: filter, framing: framing) { () throws(DataError) in
            try FileBytes.read(path, limit: limits.maxFileBytes)
        }
    }

    /// A view of a picture that is no file of its own; see `picture(named:_:)`.
    public func view(
        named name: String, filter: Resize.Filter, framing: (ImageSize) -> Framing,
        _ read: () throws(DataError) -> [UInt8]
    ) throws(DataError) -> Picture {
        if let kept = state.withLock({ $0.pictures[name] }) {
            return framing(ImageSize(height: kept.height, width: kept.width)).picture(kept, filter: filter)
        }
        let file = try EncodedPicture(read(), file: name, limits: limits)
        let framing = framing(ImageSize(height: file.height, width: file.width))
        guard keptBytes + file.height * file.width * 3 <= budget else {
            return try framing.picture(of: file, filter: filter)
        }
        let picture = try file.decoded()
        keep(picture, name)
        return framing.picture(picture, filter: filter)
    }

    private func keep(_ picture: Picture, _ name: String) {
        state.withLock { state in
            guard state.pictures[name] == nil, state.bytes + picture.pixels.count <= budget else { return }
            state.pictures[name] = picture
            state.bytes += picture.pixels.count
        }
    }
}
