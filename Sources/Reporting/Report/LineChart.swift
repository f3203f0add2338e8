/// Curves over one horizontal axis, such as losses over steps.
public struct LineChart: Sendable, Equatable {
    public struct Series: Sendable, Equatable {
        public struct Point: Sendable, Equatable {
            public var x: Double
            public var y: Double

            public init(_ x: Double, _ y: Double) {
                self.x = x
                self.y = y
            }
        }

        public var name: String
        /// In drawing order. Points that are not finite break the curve.
        public var points: [Point]

        public init(name: String, points: [Point]) {
            self.name = name
            self.points = points
        }

        /// Values over their index times `step`.
        public init(name: String, values: [Double], step: Double = 1) {
            self.init(name: name, points: values.enumerated().map { Point(Double($0) * step, $1) })
        }
    }

    public var title: String
    public var xLabel: String
    public var yLabel: String
    public var series: [Series]

    public init(title: String, xLabel: String, yLabel: String, series: [Series]) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.series = series
    }
}
