/// Mean and sample variance by Welford's update: no cancellation of large squares.
public struct Moments: Sendable, Equatable {
    public private(set) var count = 0
    public private(set) var mean = 0.0
    private var squares = 0.0

    public init() {}

    public init(_ values: some Sequence<Double>) {
        for value in values { add(value) }
    }

    public mutating func add(_ value: Double) {
        count += 1
        let delta = value - mean
        mean += delta / Double(count)
        squares += delta * (value - mean)
    }

    /// The unbiased sample variance (division by `n − 1`); `nil` for fewer than two values.
    public var variance: Double? { count > 1 ? max(0, squares) / Double(count - 1) : nil }

    /// The square root of `variance`.
    public var standardDeviation: Double? { variance?.squareRoot() }

    /// `s / √n`: for means of independent items alone, not for AP or mIoU.
    public var standardError: Double? { standardDeviation.map { $0 / Double(count).squareRoot() } }
}
