import Communication

extension CommandSession {
    /// Whether a signal asked to stop. Of several ranks all get the same answer: a signal that reached one has reached all.
    /// Every rank asks equally often.
    func isAskedToStop() -> Bool {
        if group.size == 1 { return interrupt.signalNumber != nil }
        let own = interrupt.signalNumber
        let counts = group.sums([own == 15 ? 1 : 0, own == nil || own == 15 ? 0 : 1])
        if counts[0] + counts[1] == 0 { return false }
        interrupt.raise(counts[0] > 0 ? 15 : 2)
        return true
    }

    /// - Throws: `Interruption` once a signal asked any rank to stop. For places where nothing needs saving.
    func checkForStop() throws(Interruption) {
        if isAskedToStop() { try interrupt.check() }
    }

    /// Opens the run folder on the leader; nil on ranks that follow, which write nothing.
    public func runFolder(_ open: () throws -> RunFolder) throws -> RunFolder? {
        guard group.isLeader else { return nil }
        let folder = try open()
        if group.size > 1 { RankedProcess.advise(folder.resumeCommand) }
        return folder
    }

    /// Runs a body that writes into a run folder: with its log and status on the leader, without on ranks that follow.
    public func tracking<Outcome>(_ folder: RunFolder?, _ body: () throws -> Outcome) throws -> Outcome {
        guard let folder else { return try body() }
        return try folder.tracking(terminal, body)
    }
}
