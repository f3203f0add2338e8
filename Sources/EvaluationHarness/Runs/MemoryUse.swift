import Glibc
import JSONText
import Reporting
import TensorCore

/// The most memory that this process held so far.
public struct MemoryUse: Sendable, Equatable {
    /// Of the whole process, as the system counts it.
    public var residentMiB: Double
    /// Of live tensors; blocks that wait for the next step are within it.
    public var tensorMiB: Double

    public static var peak: MemoryUse {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return MemoryUse(
            residentMiB: Double(usage.ru_maxrss) / 1024, tensorMiB: Double(Allocator.highWaterBytes) / 1_048_576)
    }

    public var json: JSONValue {
        .object([("peak_rss_mib", .double(residentMiB)), ("peak_tensor_mib", .double(tensorMiB))])
    }

    /// As a run record lists it, whole MiB.
    public var facts: [EnvironmentFact] {
        [
            EnvironmentFact(key: "peak_rss_mib", value: "\(Int(residentMiB.rounded(.up)))"),
            EnvironmentFact(key: "peak_tensor_mib", value: "\(Int(tensorMiB.rounded(.up)))"),
        ]
    }
}
