import Foundation
import Glibc
import SafeFiles

/// A command running in a process of its own, its output in files.
final class ChildProcess {
    /// How a process ended.
    struct End {
        /// As a shell shows it: 128 + the signal's number for one that a signal ended.
        var exitCode: Int32
        /// User and system time of the process and those it waited for.
        var coreSeconds: Double
        var wallSeconds: Double
        var peakMemory: Int
    }

    let identifier: pid_t
    private let start = ContinuousClock.now

    /// - Parameters:
    ///   - program: path of the executable.
    ///   - folder: the working folder.
    ///   - output: file for standard output, replaced.
    ///   - log: file for standard error, appended to.
    /// - Throws: `.cannotWrite` where the process does not start.
    init(
        _ program: String, _ arguments: [String], in folder: String, output: String, log: String
    ) throws(DataError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        try Self.changeFolder(&actions, folder)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, program, &actions, nil, words, environ)
        guard code == 0 else {
            throw DataError(
                .cannotWrite, file: program, expected: "a process that starts in \(folder)",
                found: String(cString: strerror(code)), remedy: "check the folder and the executable")
        }
        self.identifier = identifier
    }

    /// glibc has the call since 2.29 but hides its name from imported headers.
    private static func changeFolder(
        _ actions: inout posix_spawn_file_actions_t, _ folder: String
    ) throws(DataError) {
        typealias Call =
            @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32
        guard let found = dlsym(nil, "posix_spawn_file_actions_addchdir_np") else {
            throw DataError(
                .missing, file: "libc.so.6", expected: "glibc 2.29 or later", found: "an older one",
                remedy: "run the commands of --plan by hand")
        }
        _ = unsafeBitCast(found, to: Call.self)(&actions, folder)
    }

    /// How it ended; nil while it runs.
    func poll() -> End? {
        var (status, usage) = (Int32(0), rusage())
        let found = wait4(identifier, &status, WNOHANG, &usage)
        guard found == identifier else { return nil }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        let signal = status & 0x7F
        return End(
            exitCode: signal == 0 ? (status >> 8) & 0xFF : 128 + signal,
            coreSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            wallSeconds: (ContinuousClock.now - start).seconds, peakMemory: usage.ru_maxrss << 10)
    }

    /// Asks it to save and stop.
    func terminate() { kill(identifier, SIGTERM) }
}
