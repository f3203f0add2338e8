import Glibc
import Synchronization

/// A wish to stop, from Ctrl-C or the system, that loops look at between steps.
///
/// The first SIGINT or SIGTERM raises the flag: the loop saves and throws `Interruption`, which ends the program with
/// 130 or 143. A second signal has the system's default effect: the program ends at once (saved state is whole at any
/// instant).
public final class Interrupt: Sendable {
    /// The flag of this process.
    public static let shared = Interrupt()

    private let raised = Atomic<Int32>(0)

    public init() {}

    /// Makes SIGINT and SIGTERM raise the flag of this process, `shared`. For commands whose loops look at it:
    /// elsewhere the default effect, to end at once, is the better one.
    public static func listen() {
        // Made here, so that the handler finds it: a signal may arrive while any lock is held.
        _ = shared.signalNumber
        for number in [SIGINT, SIGTERM] {
            // A handler may only do what is safe between any two instructions: one atomic store, two system calls.
            signal(number) { number in
                Interrupt.shared.raise(number)
                signal(SIGINT, SIG_DFL)
                signal(SIGTERM, SIG_DFL)
            }
        }
        // Whoever started this process may have had them blocked, and a process inherits that.
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Asks loops to stop, as a signal does.
    public func raise(_ signal: Int32) { raised.store(signal, ordering: .releasing) }

    /// The signal that asked to stop, if one did.
    public var signalNumber: Int32? {
        let number = raised.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// - Throws: `Interruption` once a signal asked to stop. For places where nothing needs saving.
    public func check() throws(Interruption) {
        if let signalNumber { throw Interruption(signal: signalNumber) }
    }
}

/// Thrown by a loop that stopped because it was asked to, after its state was saved.
public struct Interruption: Error, CustomStringConvertible, Sendable, Equatable {
    public var signal: Int32
    /// What is saved: "12 steps are saved".
    public var advice: String?
    /// What a shell is told to go on: "dmt distill … --out runs/… --resume".
    public var command: String?

    public init(signal: Int32, advice: String? = nil, command: String? = nil) {
        self.signal = signal
        self.advice = advice
        self.command = command
    }

    /// 130 for SIGINT, 143 for SIGTERM.
    public var exitCode: Int32 { 128 + signal }

    public var description: String {
        "interrupted by \(signal == SIGTERM ? "SIGTERM" : "SIGINT")" + (advice.map { "; \($0)" } ?? "") + "."
            + (command.map { " Continue with:\n  \($0)" } ?? "")
    }
}
