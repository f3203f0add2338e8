#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Lines beside the answer.
enum StandardError {
    /// One line a warning.
    static func warn(_ warnings: [String]) {
        for warning in warnings {
            let line = Array("warning: \(warning)\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
        }
    }
}
