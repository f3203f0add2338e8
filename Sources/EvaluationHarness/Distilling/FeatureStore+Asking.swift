import Glibc

extension FeatureStore {
    /// Whether a file holds a teacher's tokens and no process is writing it.
    static func isIdleFile(_ path: String) -> Bool {
        guard path.hasSuffix(".features") else { return false }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0, String(decoding: bytes[..<count], as: UTF8.self).contains("dmt teacher features") else {
            return false
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return false }
        flock(descriptor, LOCK_UN)
        return true
    }
}
