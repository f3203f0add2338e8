import Foundation

/// Round tick positions that span a range of values: steps of 1, 2 or 5 times a power of ten.
struct AxisTicks: Equatable {
    let step: Double
    /// The first and last tick; the data lie between them.
    let first: Int
    let last: Int

    /// - Parameter target: about how many intervals to aim for.
    init(low: Double, high: Double, target: Int = 5) {
        var low = low
        var high = high
        if high - low < 1e-12 * max(abs(low), abs(high)) || high == low {
            let half = low == 0 ? 0.5 : abs(low) * 0.1
            low -= half
            high += half
        }
        let rough = (high - low) / Double(target)
        let power = pow(10, floor(log10(rough)))
        let factor = rough / power
        step = power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10)
        first = Int(floor(low / step + 1e-9))
        last = Int(ceil(high / step - 1e-9))
    }

    var low: Double { Double(first) * step }
    var high: Double { Double(last) * step }
    var values: [Double] { (first...max(first, last)).map { Double($0) * step } }

    /// The text of a tick with as many decimals as the step needs.
    func label(_ value: Double) -> String {
        if step >= 1e6 || step < 1e-6 { return String(format: "%g", value) }
        let digits = max(0, -Int(floor(log10(step) + 1e-9)))
        return NumberText.fixed(value, digits: digits)
    }
}
