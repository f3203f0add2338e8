import Determinism
import Foundation
import JSONText
import SafeFiles

/// Runs jobs that are not done, some side by side, each as a `dmt` of its own.
///
/// A job that was stopped goes on where it was; one that failed is named at the end, after all that does not need it.
final class LabRunner {
    private let total: Int
    private let ledger: LabLedger
    private let folder: String
    private let session: CommandSession
    private let program: String
    private let commandLine: [String]
    /// Jobs side by side.
    private let width: Int
    private let onBooked: (LabJob) throws -> Void
    private var waiting: [LabJob] = []
    private var running: [(job: LabJob, process: ChildProcess)] = []
    private var done: Set<String> = []
    private var failed: [(job: LabJob, exitCode: Int32)] = []
    private var progress: LabProgress

    /// - Parameters:
    ///   - jobs: in the order they may begin.
    ///   - folder: exists.
    ///   - width: jobs side by side.
    ///   - onBooked: called when a job came to its good end, before its entry is written.
    init(
        _ jobs: [LabJob], in folder: String, width: Int, commandLine: [String], session: CommandSession,
        onBooked: @escaping (LabJob) throws -> Void = { _ in }
    ) throws(DataError) {
        self.commandLine = commandLine
        self.folder = folder
        self.session = session
        self.width = width
        self.onBooked = onBooked
        total = jobs.count
        ledger = LabLedger(folder: folder)
        program = try Self.ownExecutable()
        let entries = try ledger.entries(of: jobs)
        done = Set(entries.keys)
        waiting = jobs.filter { entries[$0.name] == nil }
        progress = LabProgress(jobs: waiting, total: jobs.count, width: width)
    }

    /// - Throws: `Interruption` after the running jobs stopped; `.cannotWrite` when jobs failed.
    func run() throws {
        for part in ["jobs", "logs", "starts", "runs"] { try Folder.create("\(folder)/\(part)") }
        while !waiting.isEmpty || !running.isEmpty {
            if session.interrupt.signalNumber != nil { try stop() }
            while running.count < width, let next = nextReady() { try start(next) }
            if running.isEmpty { break }
            try collect()
            usleep(50_000)
        }
        guard failed.isEmpty else { throw failure() }
    }

    /// The first job whose prerequisites are done.
    private func nextReady() -> LabJob? {
        guard let place = waiting.firstIndex(where: { $0.after.allSatisfy(done.contains) }) else { return nil }
        return waiting.remove(at: place)
    }

    private func start(_ job: LabJob) throws {
        var arguments = job.arguments
        if !job.output.isEmpty {
            let output = "\(folder)/\(job.output)"
            let status = try RunFolder.status(of: output)
            if job.isResumable, status != nil, status != .done {
                arguments.append("--resume")
            } else if FileBytes.exists(output) || Folder.exists(output) {
                // What a stopped job left behind, and cannot go on from.
                try FileManager.default.removeItem(atPath: output)
            }
        }
        let process = try ChildProcess(
            program, arguments, in: folder, output: output(of: job), log: "\(folder)/logs/\(job.name).txt")
        running.append((job, process))
    }

    private func output(of job: LabJob) -> String { "\(folder)/logs/\(job.name).out" }

    /// Books the jobs that ended.
    private func collect() throws {
        var left: [(job: LabJob, process: ChildProcess)] = []
        for (job, process) in running {
            guard let end = process.poll() else {
                left.append((job, process))
                continue
            }
            if end.exitCode == 0 {
                try book(job, end)
            } else if session.interrupt.signalNumber == nil {
                failed.append((job, end.exitCode))
                session.logger.warning("\(job.name) failed with \(end.exitCode): see logs/\(job.name).txt")
            }
        }
        running = left
    }

    private func book(_ job: LabJob, _ end: ChildProcess.End) throws {
        let printed = try FileBytes.read(output(of: job), limit: 64 << 20)
        let entry = LabEntry(
            arguments: job.arguments, toolVersion: BuildInfo.version, coreSeconds: end.coreSeconds,
            wallSeconds: end.wallSeconds, peakMemory: end.peakMemory,
            document: (try? JSONValue.parse(printed, file: output(of: job))) ?? .null)
        try onBooked(job)
        try ledger.write(entry, of: job)
        unlink(output(of: job))
        done.insert(job.name)
        session.note(progress.finish(job, entry.coreSeconds))
    }

    /// Lets the running jobs save and end.
    private func stop() throws -> Never {
        for (_, process) in running { process.terminate() }
        while !running.isEmpty {
            try collect()
            usleep(50_000)
        }
        throw Interruption(
            signal: session.interrupt.signalNumber ?? SIGTERM,
            advice: "\(done.count) of \(total) jobs are done",
            command: commandLine.isEmpty ? nil : commandLine.map(RunFolder.quoted).joined(separator: " "))
    }

    private func failure() -> DataError {
        let names =
            failed.prefix(3).map { "\($0.job.name) (exit \($0.exitCode))" }.joined(separator: ", ")
            + (failed.count > 3 ? " and \(failed.count - 3) more that failed" : "")
        let left = waiting.isEmpty ? "" : "; \(waiting.count) jobs that need them did not run"
        return DataError(
            .cannotWrite, file: folder, expected: "every job to end well", found: names + left,
            remedy: "read logs/\(failed[0].job.name).txt, then run the same command again: it goes on from here")
    }

    static func ownExecutable() throws(DataError) -> String {
        guard let path = realpath("/proc/self/exe", nil) else {
            throw DataError(
                .missing, file: "/proc/self/exe", expected: "the running program", found: "nothing",
                remedy: "mount /proc")
        }
        defer { free(path) }
        return String(cString: path)
    }
}

/// What is done, and when the rest may be, from the times the recipe states and those seen so far.
private struct LabProgress {
    private let total: Int
    private let width: Int
    private var left: Double
    private var stated = 0.0
    private var seen = 0.0
    private var finished: Int

    init(jobs: [LabJob], total: Int, width: Int) {
        self.total = total
        self.width = width
        left = jobs.reduce(0) { $0 + $1.coreSeconds }
        finished = total - jobs.count
    }

    /// - Returns: a line for people.
    mutating func finish(_ job: LabJob, _ coreSeconds: Double) -> String {
        finished += 1
        left -= job.coreSeconds
        stated += job.coreSeconds
        seen += coreSeconds
        let scale = stated > 0 ? seen / stated : 1
        let minutes = Int((left * scale / Double(width) / 60).rounded(.up))
        return "\(finished)/\(total) \(job.name): \(Int(coreSeconds.rounded())) core-seconds"
            + (finished < total && left > 0 ? ", about \(minutes) min left" : "")
    }
}
