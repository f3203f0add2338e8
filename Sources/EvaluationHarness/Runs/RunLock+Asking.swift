import Glibc

extension RunLock {
    /// Whether some process holds the lock of a folder now. Leaves nothing behind; a folder without a lock file has none.
    public static func isHeld(folder: String) -> Bool {
        let descriptor = open("\(folder)/.lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return errno == EWOULDBLOCK }
        flock(descriptor, LOCK_UN)
        return false
    }
}
