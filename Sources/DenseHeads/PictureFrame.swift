import Geometry

/// How one picture lies in a batch, and the size its predictions are made for.
public struct PictureFrame: Sendable, Hashable {
    /// The top-left part of the network's input that holds the picture; the rest is padding.
    public var content: ImageSize
    /// The size of the original picture: boxes, masks and labels are given in its pixels.
    public var output: ImageSize

    public init(content: ImageSize, output: ImageSize) {
        self.content = content
        self.output = output
    }

    /// A picture that was not resized.
    public init(_ size: ImageSize) { self.init(content: size, output: size) }
}
