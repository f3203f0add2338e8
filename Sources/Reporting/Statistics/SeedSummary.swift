/// A metric over runs that differ in the seed alone.
public struct SeedSummary: Sendable, Equatable {
    public var mean: Double
    /// The sample standard deviation over seeds (division by `n − 1`); `nil` for one seed.
    public var standardDeviation: Double?
    public var seedCount: Int

    /// - Returns: `nil` for no values, or when a value is not finite.
    public init?(_ values: [Double]) {
        guard !values.isEmpty, values.allSatisfy(\.isFinite) else { return nil }
        let moments = Moments(values)
        mean = moments.mean
        standardDeviation = moments.standardDeviation
        seedCount = values.count
    }

    /// "0.4123 ± 0.0031 (3 seeds)", or without ± for one seed.
    public func text(digits: Int = 4) -> String {
        let seeds = seedCount == 1 ? "1 seed" : "\(seedCount) seeds"
        guard let standardDeviation else { return "\(NumberText.fixed(mean, digits: digits)) (\(seeds))" }
        return "\(NumberText.fixed(mean, digits: digits)) ± \(NumberText.fixed(standardDeviation, digits: digits)) "
            + "(\(seeds))"
    }
}
