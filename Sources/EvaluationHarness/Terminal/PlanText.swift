/// The words of plans: what a run would take.
enum PlanText {
    /// GiB; below one, whole MiB, rounded up.
    static func size(_ bytes: Int) -> String {
        bytes < 1 << 30
            ? "\((bytes + (1 << 20) - 1) >> 20) MiB" : "\(ProgressReporter.fixed(Double(bytes) / Double(1 << 30))) GiB"
    }

    /// Rounded up.
    static func time(_ seconds: Double) -> String {
        seconds < 120
            ? "\(Int(seconds.rounded(.up))) s"
            : seconds < 7200
                ? "\(Int((seconds / 60).rounded(.up))) min" : "\(Int((seconds / 3600).rounded(.up))) h"
    }

    /// Names on the left, as wide as the widest.
    static func table(_ lines: [(String, String)]) -> String {
        let width = lines.map(\.0.count).max() ?? 0
        return lines.map { "\($0.0)\(String(repeating: " ", count: width - $0.0.count))  \($0.1)\n" }.joined()
    }
}
