/// The one word in a run's STATUS file.
public enum RunStatus: String, Sendable, CaseIterable {
    /// Being written, or killed: the lock tells which.
    case running
    case done
    case failed
    /// Stopped on request after a clean save; can be resumed.
    case interrupted
}
