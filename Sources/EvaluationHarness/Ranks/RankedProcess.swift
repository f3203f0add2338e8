import Communication
import Foundation
import Glibc
import SafeFiles
import Synchronization

/// This process as one of the ranks of an `mpirun` or `srun`, from its start to its end; nothing happens where it is alone.
public enum RankedProcess {
    private static let advice = Mutex<String?>(nil)

    /// All ranks.
    public static var group: any Communicator { World.group }

    /// Whether this rank is the one that prints.
    public static var speaks: Bool { World.supportsRanks ? group.isLeader : World.launchedRank == 0 }

    /// Joins the other ranks. Called once, at the start of the program, on the main thread.
    ///
    /// - Throws: `RanksRefused` where several were started of a program that works alone.
    public static func start() throws(RanksRefused) {
        let launched = World.launchedRanks
        if launched == 1 { return }
        guard World.supportsRanks else { throw RanksRefused(ranks: launched, reason: .build) }
        World.whileWaiting { waited in
            guard group.isLeader, waited > .milliseconds(300), Interrupt.shared.signalNumber != nil else { return }
            // Once: whoever started the ranks may be about to end them.
            guard let command = advice.withLock({ advice in advice.take() }) else { return }
            tell("a signal came and other ranks do not answer; if this ends the job, continue with:\n  \(command)")
        }
        _ = group
    }

    /// The command that continues the present run, for the case that a rank is lost.
    static func advise(_ command: String) { advice.withLock { $0 = command } }

    /// - Parameter verb: of the command line.
    /// - Throws: `RanksRefused` for a command that works in one process, on several.
    public static func refuse(_ verb: String) throws(RanksRefused) {
        if group.size > 1 { throw RanksRefused(ranks: group.size, reason: .verb(verb)) }
    }

    /// Waits for all ranks to come to their end. Before an exit code other than 0 as well: the first process that leaves
    /// with one ends the others.
    public static func end() { World.end() }

    /// Says why a rank cannot go on and ends all of them; returns where this process is alone.
    ///
    /// What fails on one rank mostly fails on all, in the same words: those that follow wait a moment for the leader.
    public static func fail(_ text: String, exitCode: Int32) {
        if group.size == 1 { return }
        if !group.isLeader { usleep(1_500_000) }
        tell(group.isLeader ? text : "rank \(group.rank): \(text)")
        World.abort(exitCode)
    }

    private static func tell(_ text: String) {
        FileHandle.standardError.write(Data("dmt: \(text)\n".utf8))
    }
}

/// Several ranks where one process works alone.
public struct RanksRefused: ExitCodedError, CustomStringConvertible, Sendable, Equatable {
    public enum Reason: Sendable, Equatable {
        /// The program was built without MPI.
        case build
        case verb(String)
    }
    /// Nil where the launcher does not tell.
    public var ranks: Int?
    public var reason: Reason
    public var exitCode: Int32 { 64 }

    public var description: String {
        let count = ranks.map { "\($0) ranks were" } ?? "several ranks may have been"
        switch reason {
        case .build:
            return
                "\(count) started, and this program was built to work alone; build it with 'swift build --traits MPI', or "
                + "start it without mpirun."
        case .verb(let verb):
            return
                "\(count) started, and 'dmt \(verb)' works in one process; start it without mpirun. distill, train and "
                + "eval segment, detect and classify share their work."
        }
    }
}
