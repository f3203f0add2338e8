import Determinism
import Testing

@testable import Reporting

@Suite struct CSVRoundTripTests {
    /// Doubles of every size, and those that are hard to print.
    private static let numbers: [Double] = {
        var stream = RandomStream(seed: 5, purpose: "csv round trip")
        let random = (0..<3000).map { _ in Double(bitPattern: stream.next()) }.filter(\.isFinite)
        return random + [
            0, -0.0, 1, -1, 0.1, 1.0 / 3, 1e15, 1e15 + 0.5, 123_456_789_012_345_680, .leastNonzeroMagnitude,
            .leastNormalMagnitude,
            .greatestFiniteMagnitude, 0.4123456789012345, 2_251_799_813_685_248.5,
        ]
    }()

    @Test func tablesReadBackToEqualDoubles() throws {
        let table = ReportTable(
            columns: [.init("name"), .init("value", .right)],
            rows: Self.numbers.map { [.text("=\"a,b\""), .number($0, spread: abs($0) / 2)] })
        let rows = CSVReading.rows(CSVRenderer().render(table))
        #expect(rows.count == Self.numbers.count + 1 && rows[0] == ["name", "value", "value ±"])
        for (row, number) in zip(rows.dropFirst(), Self.numbers) {
            #expect(row.count == 3 && row[0] == "'=\"a,b\"")
            #expect(Double(row[1])?.bitPattern == number.bitPattern, "\(row[1])")
            #expect(Double(row[2]) == abs(number) / 2)
        }
    }

    @Test func recordsReadBackToEqualDoubles() throws {
        var draft = exampleDraft()
        draft.metrics = Self.numbers.enumerated().map { place, number in
            var metric = MetricValue(
                name: "m\(place)", value: number, unit: .number, direction: .higherIsBetter, sampleCount: 3)
            metric.attach(
                SampledError(
                    standardError: abs(number), interval: Interval(lower: -abs(number), upper: number, level: 0.95),
                    method: "bootstrap"))
            return metric
        }
        let rows = CSVReading.rows(CSVRenderer().render([try RunRecord(draft)]))
        let header = rows[0]
        func column(_ name: String) throws -> Int { try #require(header.firstIndex(of: name)) }
        let (value, error) = (try column("value"), try column("standard_error"))
        let (lower, upper) = (try column("lower"), try column("upper"))
        for (row, number) in zip(rows.dropFirst(), Self.numbers) {
            #expect(Double(row[value])?.bitPattern == number.bitPattern, "\(row[value])")
            #expect(Double(row[error]) == abs(number) && Double(row[lower]) == -abs(number))
            #expect(Double(row[upper]) == number)
        }
    }
}
