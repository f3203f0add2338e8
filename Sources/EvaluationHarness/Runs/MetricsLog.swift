import JSONText
import SafeFiles

/// `metrics.jsonl`: one JSON object a line, each with its `step`; only ever appended to.
///
/// Opening an existing log cuts off a torn last line and every line after the step that training resumes from, so that
/// a resumed run leaves the bytes of a run that never stopped.
public final class MetricsLog {
    private let file: AppendFile

    /// - Parameter resumingAt: keeps the lines whose step is at most this; nil keeps every whole line, 0 for a fresh
    ///   log keeps what was logged before the first step.
    public init(_ path: String, resumingAt lastStep: Int? = nil) throws(DataError) {
        file = try AppendFile(path) { Self.kept($0, lastStep, path) }
    }

    /// Appends one line.
    ///
    /// - Precondition: every value is finite.
    public func append(step: Int, _ values: [(String, Double)]) throws(DataError) {
        try append(step: step, members: values.map { ($0.0, JSONValue.double($0.1)) })
    }

    /// Appends one line of any members.
    func append(step: Int, members: [(String, JSONValue)]) throws(DataError) {
        let line = JSONValue.object([("step", .int(Int64(step)))] + members)
        try file.append(Array(line.text().utf8) + [UInt8(ascii: "\n")])
    }

    public func synchronize() throws(DataError) { try file.synchronize() }

    /// Bytes of the leading lines that are whole, parse, and belong to a step that is kept.
    private static func kept(_ bytes: [UInt8], _ lastStep: Int?, _ path: String) -> Int {
        var kept = 0
        while let end = bytes[kept...].firstIndex(of: UInt8(ascii: "\n")) {
            guard let line = try? JSONValue.parse(Array(bytes[kept..<end]), file: path), let step = line["step"]?.int
            else {
                break
            }
            if let lastStep, step > Int64(lastStep) { break }
            kept = end + 1
        }
        return kept
    }
}
