import Foundation

/// Numbers as progress lines show them.
enum ProgressText {
    /// Four significant digits.
    static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}
