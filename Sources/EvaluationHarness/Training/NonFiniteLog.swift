import JSONText
import SafeFiles

/// A step that was left out because its loss or its gradients were not finite: enough to make it again.
public struct NonFiniteStep: Sendable, Equatable {
    /// From 1, as in `metrics.jsonl`.
    public var step: Int
    /// The run's seed; with the step it decides every draw.
    public var seed: UInt64
    /// The samples of the batch, by their places in the data set, from 0.
    public var batch: [Int]
    public var loss: Double
    /// Before clipping.
    public var gradientNorm: Double
}

/// `nonfinite.jsonl`: one JSON object a step left out; no file where there was none.
///
///     {"step":17,"seed":"0","batch":[3,8],"loss":"nan","gradient_norm":"inf"}
///
/// To look at such a step again, resume a copy of the run folder from the snapshot before it: draws depend on seed and
/// step alone.
final class NonFiniteLog {
    private let run: RunFolder
    private let firstStep: Int
    private var log: MetricsLog?
    private static let name = "nonfinite.jsonl"

    /// - Parameter firstStep: steps that are done when training goes on; what was recorded of later ones is cut off.
    init(_ run: RunFolder, firstStep: Int) throws(DataError) {
        self.run = run
        self.firstStep = firstStep
        if FileBytes.exists("\(run.path)/\(Self.name)") { try open() }
    }

    func record(_ step: NonFiniteStep) throws(DataError) {
        if log == nil { try open() }
        try log?.append(
            step: step.step,
            members: [
                ("seed", .string("\(step.seed)")), ("batch", .array(step.batch.map { .int(Int64($0)) })),
                ("loss", Self.number(step.loss)), ("gradient_norm", Self.number(step.gradientNorm)),
            ])
    }

    func synchronize() throws(DataError) { try log?.synchronize() }

    private func open() throws(DataError) {
        log = try MetricsLog(try run.file(Self.name), resumingAt: firstStep)
        run.note(Self.name)
    }

    /// JSON has no word for what is no finite number.
    private static func number(_ value: Double) -> JSONValue { value.isFinite ? .double(value) : .string("\(value)") }
}
