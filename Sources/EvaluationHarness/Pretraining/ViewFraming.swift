import SafeFiles

/// What part of a picture a random view shows, and how large.
public struct ViewFraming: Sendable {
    /// Side in pixels.
    public var size: Int
    /// Range of the view's share of the region's area.
    public var scale: ClosedRange<Double>
    /// Range of the region's side in pixels of the picture; `nil` is the whole picture.
    ///
    /// All views of one picture and step lie in one square region. A scene has many things: two views of distant parts
    /// share nothing but light and noise. One region for both makes a scene into the picture of one or two things that
    /// these methods were made for.
    public var region: ClosedRange<Double>?

    public init(size: Int, scale: ClosedRange<Double>, region: ClosedRange<Double>? = nil) {
        self.size = size
        self.scale = scale
        self.region = region
    }
}

extension RecipeReader {
    /// Two ends of a range of area, in (0, 1].
    func shares(_ key: String) throws(DataError) -> ClosedRange<Double> {
        try ends(key, expected: "two shares of the picture, such as [0.4, 1]") { $0 > 0 && $0 <= 1 }
    }

    /// Two ends of a range of pixels.
    fileprivate func sides(_ key: String) throws(DataError) -> ClosedRange<Double> {
        try ends(key, expected: "two sides in pixels, such as [12, 28]") { $0 >= 1 && $0 <= 65_536 }
    }

    private func ends(
        _ key: String, expected: String, _ isAllowed: (Double) -> Bool
    ) throws(DataError) -> ClosedRange<Double> {
        let values: [Double] = try value(key)
        guard values.count == 2, values[0] <= values[1], values.allSatisfy(isAllowed) else {
            throw refused(key, expected: expected, found: "\(values)", "give both ends")
        }
        return values[0]...values[1]
    }
}

extension ViewFraming {
    /// Reads `size`, `scale` and `region`.
    init(_ reader: RecipeReader) throws(DataError) {
        self.init(
            size: try reader.int("size", in: 1...4096), scale: try reader.shares("scale"),
            region: reader.has("region") ? try reader.sides("region") : nil)
    }
}
