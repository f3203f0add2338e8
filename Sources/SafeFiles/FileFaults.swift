import Synchronization

/// The system calls of a write that can be made to fail in tests.
public enum FileCall: String, Sendable {
    case open, write, sync, close, rename, openFolder, syncFolder
}

/// A plan that lets the Nth file call of the current task fail, so that tests can walk through every failure of a write.
///
///     let plan = FileFaults(failing: 3, code: ENOSPC)
///     FileFaults.$current.withValue(plan) { try AtomicFile.write(bytes, to: path) }
///
/// Without a bound plan the check is one load. Threads started inside do not inherit the plan.
public final class FileFaults: Sendable {
    @TaskLocal public static var current: FileFaults?

    private let target: Int
    private let code: Int32
    private let log = Mutex<[FileCall]>([])

    /// - Parameters:
    ///   - target: the call that fails, counted from 1; 0 lets every call pass and only counts.
    ///   - code: the `errno` value the call reports.
    public init(failing target: Int, code: Int32) {
        self.target = target
        self.code = code
    }

    /// The calls seen so far, in order.
    public var calls: [FileCall] { log.withLock { $0 } }

    /// Counts one call; the error it must fail with, if it is the chosen one.
    ///
    /// For whoever writes files by system calls of its own. A `ProcessFault` may end the process here.
    ///
    /// - Parameter half: does half of a write.
    public static func strike(_ call: FileCall, half: () -> Void = {}) -> Int32? {
        ProcessFault.current?.reach(.write, half: half)
        guard let plan = current else { return nil }
        let count = plan.log.withLock { log in
            log.append(call)
            return log.count
        }
        return count == plan.target ? plan.code : nil
    }
}
