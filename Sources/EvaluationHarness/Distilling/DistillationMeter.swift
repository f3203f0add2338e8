import Determinism
import JSONText
import TensorCore

/// How fast a distillation goes: pictures and products since the meter began, and the teachers' share of the time.
public final class DistillationMeter {
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var teacherSeconds = 0.0
    private var pictures = 0
    private let productsBefore = ProductCount.sum
    /// Of all threads together, in floating-point operations a second.
    private lazy var peak = Kernels.measuredPeak() * Double(Parallel.threadCount)

    init() { start = clock.now }

    /// Runs the teachers of a batch.
    func teachers<Result>(_ body: () throws -> Result) rethrows -> Result {
        let begin = clock.now
        defer { teacherSeconds += (clock.now - begin).seconds }
        return try body()
    }

    /// Counts pictures that a step has seen.
    func count(_ pictures: Int) { self.pictures += pictures }

    private var elapsed: Double { (clock.now - start).seconds }
    public var picturesPerSecond: Double { Double(pictures) / max(elapsed, 1e-9) }
    /// Of the measured f32 peak.
    public var peakShare: Double { Double(ProductCount.sum &- productsBefore) / max(elapsed, 1e-9) / peak }
    /// The teachers' share of the time; 0 where their tokens are kept.
    public var teacherShare: Double { teacherSeconds / max(elapsed, 1e-9) }

    /// For the progress line.
    var text: String {
        func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
        return "\(ProgressReporter.fixed(picturesPerSecond)) images/s, \(percent(peakShare)) of the f32 peak, teachers "
            + "\(percent(teacherShare)) of the time"
    }

    var json: JSONValue {
        .object([
            ("images_per_second", .init(finite: picturesPerSecond)), ("peak_share", .init(finite: peakShare)),
            ("teacher_share", .init(finite: teacherShare)),
        ])
    }
}
