/// Pictures side by side with captions.
public struct PictureGrid: Sendable, Equatable {
    public struct Picture: Sendable, Equatable {
        /// A whole JPEG file.
        public var jpeg: [UInt8]
        public var caption: String

        public init(jpeg: [UInt8], caption: String) {
            self.jpeg = jpeg
            self.caption = caption
        }
    }

    public var caption: String
    /// Pictures per row on a wide screen.
    public var columnCount: Int
    /// The same on a phone.
    public var narrowColumnCount = 2
    public var pictures: [Picture]

    public init(caption: String, columnCount: Int = 4, pictures: [Picture]) {
        precondition(columnCount >= 1, "picture grid: \(columnCount) columns")
        self.caption = caption
        self.columnCount = columnCount
        self.pictures = pictures
    }
}
