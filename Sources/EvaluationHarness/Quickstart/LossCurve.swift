import JSONText
import Reporting
import SafeFiles

/// The total loss of a run as a curve, from memory or from its `history.json`.
struct LossCurve {
    let series: LineChart.Series

    init(name: String, history: TrainingHistory) {
        let points = history.curves.first { $0.name == "total" }?.points ?? []
        series = LineChart.Series(name: name, points: points.map { .init(Double($0.step), $0.value) })
    }

    init(name: String, file: String) throws {
        let document = try JSONValue.parse(FileBytes.read(file, limit: 64 << 20), file: file)
        let points = document["curves"]?["total"]?.array ?? []
        series = LineChart.Series(
            name: name,
            points: points.compactMap { point in
                guard let step = point[0]?.int, let value = point[1]?.double else { return nil }
                return .init(Double(step), value)
            })
    }
}
