import Determinism
import JSONText
import Reporting
import SafeFiles

/// The numbers of a lab: one a cell, from the records of its evaluations.
struct LabTable {
    struct Value {
        var cell: LabCell
        /// The record's; nil where the metric is undefined.
        var metric: MetricValue
        /// SHA-256 of the record without times, machine and command line: equal runs have equal ones.
        var runHash: String
        var toolVersion: String
    }

    let plan: LabPlan
    /// In the order of the plan's cells; nil for those that no run has filled.
    let values: [Value?]

    /// - Parameter entries: of the jobs that are done; cells of others are empty.
    init(_ plan: LabPlan, _ entries: [String: LabEntry]) throws {
        self.plan = plan
        var records: [String: RunRecord] = [:]
        for name in Set(plan.cells.map(\.job)) {
            if let entry = entries[name] { records[name] = try RunRecord(json: entry.document) }
        }
        values = try plan.cells.map { cell throws(DataError) in
            guard let record = records[cell.job] else { return nil }
            guard let metric = record.metric(cell.metric) else {
                throw DataError(
                    .configuration, file: "the record of \(cell.job)", record: "metric \(cell.metric)",
                    expected: "one of \(record.fields.metrics.map(\.name).joined(separator: ", "))",
                    found: "no such metric", remedy: "name another metric in the recipe's stage")
            }
            return Value(
                cell: cell, metric: metric, runHash: SHA256.hex(record.json(.reproducible).text()),
                toolVersion: record.fields.toolVersion)
        }
    }

    var filled: Int { values.count { $0 != nil } }
    var columns: [String] { plan.settings.stages.flatMap { $0.metrics.map(\.column) } }
    var toolVersions: [String] { Set(values.compactMap { $0?.toolVersion }).sorted() }

    /// The values of an arm in a column, one a seed that has one.
    func values(_ arm: LabArm, _ column: String) -> [(seed: Int, value: Double)] {
        values.compactMap { value in
            guard let value, value.cell.arm.name == arm.name, value.cell.column == column,
                let number = value.metric.value
            else { return nil }
            return (value.cell.seed, number)
        }
    }

    /// First minus second over the seeds that both have.
    func difference(_ first: LabArm, _ second: LabArm, _ column: String) -> PairedSeeds? {
        let others = Dictionary(uniqueKeysWithValues: values(second, column).map { ($0.seed, $0.value) })
        let pairs = values(first, column).compactMap { pair in others[pair.seed].map { (pair.value, $0) } }
        return PairedSeeds(pairs.map(\.0), pairs.map(\.1))
    }

    /// `table.json`: a list of arm, seed, metric, value, standard error over pictures, run hash.
    var json: JSONValue {
        .array(
            values.compactMap { $0 }.map { value in
                .object([
                    ("arm", .string(value.cell.arm.name)), ("seed", .int(Int64(value.cell.seed))),
                    ("metric", .string(value.cell.column)), ("value", JSONValue(finite: value.metric.value)),
                    ("standard_error", JSONValue(finite: value.metric.standardError)),
                    ("run", .string(value.cell.job)), ("run_hash", .string(value.runHash)),
                ])
            })
    }
}
