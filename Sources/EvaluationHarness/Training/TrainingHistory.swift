import JSONText

/// The loss terms of a run, averaged over windows of steps: what loss curves are drawn from.
public struct TrainingHistory: Sendable, Equatable {
    public struct Point: Sendable, Equatable {
        /// The window's last step, from 1.
        public var step: Int
        public var value: Double
    }
    /// One curve a term, in the order first seen; `total` is the weighted sum.
    public private(set) var curves: [(name: String, points: [Point])] = []
    /// Steps whose gradients were not finite and were left out.
    public internal(set) var skippedSteps: [Int] = []
    private var sums = NamedSums()
    private let window: Int

    init(window: Int) { self.window = window }

    public static func == (a: TrainingHistory, b: TrainingHistory) -> Bool {
        a.skippedSteps == b.skippedSteps
            && a.curves.elementsEqual(b.curves) { $0.name == $1.name && $0.points == $1.points }
    }

    mutating func add(_ name: String, _ value: Double) { sums.add(name, value) }

    /// Adds a point to a curve that is no mean over steps.
    mutating func mark(_ name: String, _ value: Double, step: Int) {
        append(name, Point(step: step, value: value))
    }

    private mutating func append(_ name: String, _ point: Point) {
        if let at = curves.firstIndex(where: { $0.name == name }) {
            curves[at].points.append(point)
        } else {
            curves.append((name, [point]))
        }
    }

    mutating func endStep(_ step: Int, isLast: Bool) {
        guard (step + 1) % window == 0 || isLast else { return }
        for (name, mean) in sums.means { append(name, Point(step: step + 1, value: mean)) }
        sums = NamedSums()
    }

    /// The last value of a curve.
    public func last(_ name: String) -> Double? { curves.first { $0.name == name }?.points.last?.value }
}

// MARK: Exact JSON

extension TrainingHistory {
    /// Everything, the sums of the unfinished window too; numbers by their bits.
    var json: JSONValue {
        let curves = curves.map { curve in
            JSONValue.array([
                .string(curve.name),
                .array(curve.points.map { .array([.int(Int64($0.step)), .init(exactly: $0.value)]) }),
            ])
        }
        return .object([
            ("window", .int(Int64(window))), ("curves", .array(curves)),
            ("skipped", .array(skippedSteps.map { .int(Int64($0)) })), ("sums", sums.json),
        ])
    }

    /// Nil for what `json` does not write.
    init?(_ json: JSONValue?) {
        guard let json, let window = json["window"]?.index, window > 0, let curves = json["curves"]?.array,
            let skipped = json["skipped"]?.array, let sums = NamedSums(json["sums"])
        else { return nil }
        self.window = window
        self.sums = sums
        for curve in curves {
            guard let name = curve[0]?.string, let items = curve[1]?.array else { return nil }
            let points = items.compactMap { item -> Point? in
                guard let step = item[0]?.index, let value = item[1]?.exactDouble else { return nil }
                return Point(step: step, value: value)
            }
            guard points.count == items.count else { return nil }
            self.curves.append((name, points))
        }
        skippedSteps = skipped.compactMap(\.index)
        guard skippedSteps.count == skipped.count else { return nil }
    }
}
