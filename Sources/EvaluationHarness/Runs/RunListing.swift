import Foundation
import JSONText
import Reporting
import SafeFiles

/// What `dmt runs list` prints.
public struct RunListing: Sendable {
    public enum Order: String, Sendable, CaseIterable {
        case date, name, task, metric, size
    }

    private let runs: [ListedRun]
    private let folder: String

    /// - Parameters:
    ///   - states: those shown; all where empty.
    ///   - task: shown are tasks that begin so; all where nil.
    ///   - arm: shown is this arm alone; all where nil.
    public init(
        _ catalogue: RunCatalogue, folder: String, states: [ListedRun.State] = [], task: String? = nil,
        arm: String? = nil, order: Order = .date
    ) {
        self.folder = folder
        let chosen = catalogue.runs.filter { run in
            (states.isEmpty || states.contains(run.state)) && (task.map { run.task.hasPrefix($0) } ?? true)
                && (arm.map { run.arm == $0 } ?? true)
        }
        // Every order is total: equal runs stand by their paths.
        runs = chosen.sorted { a, b in
            switch order {
            case .date where a.date != b.date: a.date > b.date
            case .task where a.task != b.task: a.task < b.task
            case .size where a.byteCount != b.byteCount: a.byteCount > b.byteCount
            case .metric where a.mainMetric?.value != b.mainMetric?.value: Self.isBetter(a.mainMetric, b.mainMetric)
            default: a.path < b.path
            }
        }
    }

    /// Runs without a number come last.
    private static func isBetter(_ a: MetricValue?, _ b: MetricValue?) -> Bool {
        guard let x = a?.value else { return false }
        guard let y = b?.value else { return true }
        return a?.direction == .lowerIsBetter ? x < y : x > y
    }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("folder", .string(folder)),
            (
                "runs",
                .array(
                    runs.map { run in
                        .object([
                            ("path", .string(run.path)), ("status", .string(run.state.rawValue)),
                            ("task", .string(run.task)), ("arm", .string(run.arm)),
                            ("seed", run.record.map { .string("\($0.fields.seed)") } ?? .null),
                            ("metric", run.mainMetric?.json ?? .null), ("date", .string(UTCTime.text(run.date))),
                            ("bytes", .int(Int64(run.byteCount))),
                            ("problem", run.problem.map { .string($0) } ?? .null),
                        ])
                    })
            ),
        ])
    }

    public var text: String {
        if runs.isEmpty { return "no run in \(folder)\n" }
        var table = ReportTable(columns: [
            .init("run"), .init("status"), .init("task"), .init("arm"), .init("metric"), .init("value", .right),
            .init("date"), .init("size", .right),
        ])
        for run in runs {
            table.add([
                .text(relative(run.path)), .text(run.state.rawValue), .text(run.task), .text(run.arm),
                .text(run.problem == nil ? run.mainMetric?.name ?? "" : "run.json cannot be read"),
                .metric(run.mainMetric), .text(UTCTime.text(run.date)), .text(ByteText.of(run.byteCount)),
            ])
        }
        return TerminalRenderer().render(table) + "\n"
    }

    private func relative(_ path: String) -> String {
        let root = folder.hasSuffix("/") ? folder : folder + "/"
        return path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path
    }
}

/// Sizes in words.
enum ByteText {
    static func of(_ count: Int) -> String {
        var (value, unit) = (Double(count), 0)
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        return NumberText.fixed(value, digits: unit == 0 ? 0 : 1) + " " + units[unit]
    }
}
