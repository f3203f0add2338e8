import Foundation
import Synchronization

/// A chosen instant at which this process kills or interrupts itself, or a file call fails: what tests from outside
/// prepare for a run.
///
/// The environment variable `DMT_FAULT` chooses it, and is read here alone:
///
/// | value | what happens |
/// |:--|:--|
/// | `kill-at-write:K` | SIGKILL at the K-th file call; one that writes bytes has written half of them |
/// | `kill-at-step:K` | SIGKILL before the K-th training step of the process |
/// | `term-at-write:K`, `term-at-step:K` | SIGTERM there |
/// | `fail-at-write:K:CODE` | the K-th file call fails with `ENOSPC` or `EIO`, half of its bytes written; `short`: it writes half |
/// | `fail-from-write:K:CODE` | so does every later one: a disk that stays full |
/// | `fail-at-read:K:CODE` | the K-th call that opens a file to read, or reads, fails with `EIO`; `short`: it reads half |
///
/// K counts from 1. Without the variable a check is one load.
public final class ProcessFault: Sendable {
    /// What is counted.
    public enum Point: String, Sendable {
        case write, step, read
    }

    private enum Effect {
        case kill, terminate
        case fail(FileFault)
    }

    private static let text = ProcessInfo.processInfo.environment["DMT_FAULT"]
    /// The fault of this process, if one is chosen.
    public static let current: ProcessFault? = text.flatMap { ProcessFault($0) }
    /// Whether the variable holds something else than the table allows.
    public static var isMisspelled: Bool { text != nil && current == nil }

    private let point: Point
    private let target: Int
    private let effect: Effect
    private let lasts: Bool
    private let count = Atomic<Int>(0)

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let words = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 2, words.count == 3, let point = Point(rawValue: String(words[2])),
            let target = Int(parts[1]), target > 0
        else { return nil }
        self.point = point
        self.target = target
        lasts = words[1] == "from"
        switch (words[0], words[1], parts.count) {
        case ("kill", "at", 2) where point != .read: effect = .kill
        case ("term", "at", 2) where point != .read: effect = .terminate
        case ("fail", "at", 3) where point != .step, ("fail", "from", 3) where point == .write:
            guard let fault = Self.faults[String(parts[2])] else { return nil }
            effect = .fail(fault)
        default: return nil
        }
    }

    private static let faults: [String: FileFault] = ["ENOSPC": .error(ENOSPC), "EIO": .error(EIO), "short": .short]

    /// Counts an instant; at the chosen one the process gets its signal, or the call its fault.
    ///
    /// - Parameter half: leaves behind what a process leaves that is killed amid the work that follows.
    @discardableResult
    public func reach(_ point: Point, half: () -> Void = {}) -> FileFault? {
        guard point == self.point else { return nil }
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        guard number == target || lasts && number > target else { return nil }
        switch effect {
        case .fail(let fault): return fault
        case .terminate: raise(SIGTERM)
        case .kill:
            half()
            kill(getpid(), SIGKILL)
        }
        return nil
    }
}
