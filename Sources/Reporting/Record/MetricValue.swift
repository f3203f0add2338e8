/// One reported number, with everything needed to read it.
///
/// An undefined metric is `nil` with a reason, never −1, 0 or NaN.
public struct MetricValue: Sendable, Equatable {
    public enum Unit: String, Sendable {
        /// 0...1; never percent.
        case fraction
        case seconds
        case count
        /// Items per second.
        case perSecond = "per_second"
        /// A pure number without a scale, such as a loss.
        case number
    }

    public enum Direction: String, Sendable {
        case higherIsBetter = "higher_is_better"
        case lowerIsBetter = "lower_is_better"

        /// The arrow of table headers.
        public var arrow: String { self == .higherIsBetter ? "↑" : "↓" }
    }

    /// An identifier with one definition; a variant has another name.
    public var name: String
    public var value: Double?
    public var unit: Unit
    public var direction: Direction
    /// Number of items (images, instances, seeds) behind the value.
    public var sampleCount: Int
    public var standardError: Double?
    public var interval: Interval?
    /// How error and interval were found, for instance "bootstrap over images, 1000 draws, seed 7".
    public var errorMethod: String?
    /// Why `value` is `nil`.
    public var reason: String?

    /// - Parameter undefinedReason: kept as `reason` when `value` is `nil` or not finite.
    public init(
        name: String, value: Double?, unit: Unit, direction: Direction, sampleCount: Int,
        undefinedReason: String? = nil
    ) {
        self.name = name
        self.unit = unit
        self.direction = direction
        self.sampleCount = sampleCount
        if let value, value.isFinite {
            self.value = value
        } else {
            self.value = nil
            self.reason = value == nil ? undefinedReason ?? "undefined" : "not a finite number"
        }
    }

    /// Puts a standard error and an interval beside the value; fractions keep to 0...1.
    public mutating func attach(_ estimate: SampledError?) {
        guard let estimate else { return }
        standardError = estimate.standardError
        interval = estimate.interval
        if unit == .fraction {
            interval?.lower = max(0, estimate.interval.lower)
            interval?.upper = min(1, estimate.interval.upper)
        }
        errorMethod = estimate.method
    }
}

/// A confidence interval.
public struct Interval: Sendable, Equatable {
    public var lower: Double
    public var upper: Double
    /// The nominal coverage, 0.95 for instance.
    public var level: Double

    public init(lower: Double, upper: Double, level: Double) {
        self.lower = lower
        self.upper = upper
        self.level = level
    }

    public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}

/// A standard error with its interval and the words that say how they were found.
public struct SampledError: Sendable, Equatable {
    public var standardError: Double
    public var interval: Interval
    public var method: String

    public init(standardError: Double, interval: Interval, method: String) {
        self.standardError = standardError
        self.interval = interval
        self.method = method
    }
}
