import Foundation
import Synchronization

/// A chosen instant at which this process kills or interrupts itself: the end that tests from outside prepare for a run.
///
/// The environment variable `DMT_FAULT` chooses it, and is read here alone:
///
/// | value | what happens |
/// |:--|:--|
/// | `kill-at-write:K` | SIGKILL at the K-th file call; one that writes bytes has written half of them |
/// | `kill-at-step:K` | SIGKILL before the K-th training step of the process |
/// | `term-at-write:K`, `term-at-step:K` | SIGTERM there |
///
/// K counts from 1. Without the variable a check is one load.
public final class ProcessFault: Sendable {
    /// What is counted.
    public enum Point: String, Sendable {
        case write, step
    }

    private static let text = ProcessInfo.processInfo.environment["DMT_FAULT"]
    /// The fault of this process, if one is chosen.
    public static let current: ProcessFault? = text.flatMap { ProcessFault($0) }
    /// Whether the variable holds something else than the table allows.
    public static var isMisspelled: Bool { text != nil && current == nil }

    private let point: Point
    private let target: Int
    private let kills: Bool
    private let count = Atomic<Int>(0)

    init?(_ text: String) {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        let words = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard halves.count == 2, words.count == 3, words[0] == "kill" || words[0] == "term", words[1] == "at",
            let point = Point(rawValue: String(words[2])), let target = Int(halves[1]), target > 0
        else { return nil }
        self.point = point
        self.target = target
        kills = words[0] == "kill"
    }

    /// Counts an instant; at the chosen one the process gets its signal.
    ///
    /// - Parameter half: leaves behind what a process leaves that is killed amid the work that follows.
    public func reach(_ point: Point, half: () -> Void = {}) {
        guard point == self.point, count.wrappingAdd(1, ordering: .relaxed).newValue == target else { return }
        guard kills else {
            raise(SIGTERM)
            return
        }
        half()
        kill(getpid(), SIGKILL)
    }
}
