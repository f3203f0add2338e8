/// Points by two numbers each.
public struct ScatterChart: Sendable, Equatable {
    public struct Point: Sendable, Equatable {
        public var name: String
        public var x: Double
        public var y: Double

        public init(name: String, x: Double, y: Double) {
            self.name = name
            self.x = x
            self.y = y
        }
    }

    public var title: String
    public var xLabel: String
    public var yLabel: String
    /// Points that are not finite are left out of the picture.
    public var points: [Point]

    public init(title: String, xLabel: String, yLabel: String, points: [Point]) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.points = points
    }

    /// One row a point.
    public var table: ReportTable {
        ReportTable(
            caption: title, columns: [.init("name"), .init(xLabel, .right), .init(yLabel, .right)],
            rows: points.map { [.text($0.name), .number($0.x), .number($0.y)] })
    }
}
