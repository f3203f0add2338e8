import Foundation

/// How far a stage is: a bar on a terminal (at most ten redraws a second), else one line every 30 seconds and one at
/// the end.
///
///     let progress = ProgressReporter(terminal, "train", total: 400, unit: "step")
///     progress.advance(by: 1, postfix: "loss 0.412")
///     progress.finish()
public final class ProgressReporter {
    /// Seconds between redraws of a bar.
    static let barInterval = 0.1
    /// Seconds between lines where nobody watches.
    static let lineInterval = 30.0

    private let terminal: Terminal
    private let label: String
    private let unit: String
    private let isQuiet: Bool
    private let now: () -> Double
    private let start: Double
    public private(set) var done: Int
    public let total: Int
    private var lastShown: Double
    private var lastDone: Int
    private var lastTime: Double
    private var rate: Double?
    private var postfix = ""
    private var isFinished = false

    /// - Parameters:
    ///   - total: items in all; 0 when unknown.
    ///   - done: items done before, on resuming; they do not count for the rate.
    ///   - isQuiet: shows nothing at all (`-q`).
    ///   - clock: seconds on a clock that never goes back.
    public init(
        _ terminal: Terminal, _ label: String, total: Int, done: Int = 0, unit: String = "item", isQuiet: Bool = false,
        clock: @escaping () -> Double = { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
    ) {
        self.terminal = terminal
        self.label = label
        self.total = total
        self.done = done
        self.unit = unit
        self.isQuiet = isQuiet
        now = clock
        start = clock()
        lastShown = start
        lastTime = start
        lastDone = done
    }

    deinit { if !isFinished { terminal.show(bar: nil) } }

    /// Counts further items as done.
    ///
    /// - Parameter postfix: one figure worth watching, such as the loss; kept until the next one.
    public func advance(by count: Int = 1, postfix: String? = nil) {
        done += count
        if let postfix { self.postfix = postfix }
        let time = now()
        guard !isQuiet, time - lastShown >= (terminal.isInteractive ? Self.barInterval : Self.lineInterval) else {
            return
        }
        updateRate(time)
        lastShown = time
        if terminal.isInteractive {
            terminal.show(bar: String(bar(time).prefix(max(10, terminal.width - 1))))
        } else {
            terminal.write(line: line(time))
        }
    }

    /// Ends the stage: erases the bar and writes one summary line.
    public func finish() {
        guard !isFinished else { return }
        isFinished = true
        terminal.show(bar: nil)
        guard !isQuiet else { return }
        let elapsed = now() - start
        terminal.write(
            line: "\(label): \(done) \(unit)s in \(Self.duration(elapsed))" + (postfix.isEmpty ? "" : ", \(postfix)"))
    }

    /// Exponential mean over the shown intervals, so that a slow start does not spoil the estimate for long.
    private func updateRate(_ time: Double) {
        guard time > lastTime else { return }
        let fresh = Double(done - lastDone) / (time - lastTime)
        rate = rate.map { $0 + 0.3 * (fresh - $0) } ?? fresh
        lastDone = done
        lastTime = time
    }

    private func facts(_ time: Double) -> String {
        let pace = rate ?? 0
        var text =
            pace >= 1 || pace == 0
            ? "\(Self.fixed(pace)) \(unit)s/s" : "\(Self.fixed(1 / pace)) s/\(unit)"
        text += ", \(Self.duration(time - start)) elapsed"
        if total > 0, pace > 0, done < total { text += ", \(Self.duration(Double(total - done) / pace)) left" }
        return postfix.isEmpty ? text : text + ", \(postfix)"
    }

    private var count: String {
        total > 0 ? "\(done)/\(total) (\(done * 100 / total) %)" : "\(done)"
    }

    func line(_ time: Double) -> String { "\(label): \(count), \(facts(time))" }

    func bar(_ time: Double) -> String {
        guard total > 0 else { return line(time) }
        let cells = 20
        let full = min(cells, done * cells / total)
        let drawn = String(repeating: "#", count: full) + String(repeating: ".", count: cells - full)
        return "\(label) [\(drawn)] \(count), \(facts(time))"
    }

    /// `3.4` below 100, `340` above.
    static func fixed(_ value: Double) -> String {
        if value >= 100 { return String(Int(value.rounded())) }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// `12 s`, `3:05 min` or `2:03:05 h`.
    static func duration(_ seconds: Double) -> String {
        if seconds < 10 { return fixed(max(0, seconds)) + " s" }
        let whole = Int(seconds.rounded())
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60):\(two(whole % 60)) min" }
        return "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60)) h"
    }
}
