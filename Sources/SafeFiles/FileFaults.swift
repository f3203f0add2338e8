import Synchronization

/// What a chosen file call does instead of its work.
public enum FileFault: Sendable, Equatable {
    /// It fails with this `errno`; a write has written half of its bytes.
    case error(Int32)
    /// It moves half of its bytes, as the system may at any time; a call that moves none does its work.
    case short
}

/// A plan that lets the Nth file call of the current task fail, so that tests can walk through every failure of a write.
///
///     let plan = FileFaults(failing: 3, code: ENOSPC)
///     FileFaults.$current.withValue(plan) { try AtomicFile.write(bytes, to: path) }
///
/// Without a bound plan the check is one load. Threads started inside do not inherit the plan. For a whole program there
/// is `ProcessFault`.
public final class FileFaults: Sendable {
    @TaskLocal public static var current: FileFaults?

    private let target: Int
    private let fault: FileFault
    private let countsReads: Bool
    private let log = Mutex<[FileCall]>([])

    /// - Parameters:
    ///   - target: the call that fails, counted from 1; 0 lets every call pass and only counts.
    ///   - reads: counts the calls that read, and no other, instead of those that write.
    public init(failing target: Int, _ fault: FileFault, reads: Bool = false) {
        self.target = target
        self.fault = fault
        countsReads = reads
    }

    /// - Parameter code: the `errno` value the call reports.
    public convenience init(failing target: Int, code: Int32) { self.init(failing: target, .error(code)) }

    /// The calls seen so far, in order.
    public var calls: [FileCall] { log.withLock { $0 } }

    /// Counts one call; what it must do if it is the chosen one.
    ///
    /// A `ProcessFault` may end the process here.
    ///
    /// - Parameter half: does half of a write.
    static func strike(_ call: FileCall, half: () -> Void = {}) -> FileFault? {
        if let fault = ProcessFault.current?.reach(call.reads ? .read : .write, half: half) { return fault }
        guard let plan = current, plan.countsReads == call.reads else { return nil }
        let count = plan.log.withLock { log in
            log.append(call)
            return log.count
        }
        return count == plan.target ? plan.fault : nil
    }
}
