import Glibc
import SafeFiles

/// An exclusive lock on a folder for the life of this value; the system releases it when the process dies.
public final class RunLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `.cannotWrite` when another process holds the lock or the file cannot be made.
    public init(folder: String) throws(DataError) {
        let path = "\(folder)/.lock"
        descriptor = try FileCall.open.run(path) { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw DataError(
                .cannotWrite, file: folder, expected: "a run that nobody else works on", found: "another process in it",
                remedy: "wait for it to end, or choose another --out")
        }
    }

    deinit {
        // A child that is just being started holds a copy of the descriptor for an instant: closing ours would not do.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
