extension CommandSession {
    /// Runs a training, or what goes before it; the stop asked for by a signal leaves as an `Interruption`.
    ///
    /// - Parameter run: where the state is kept: the `Interruption` then names the command that goes on. Nil where nothing
    ///   is kept.
    /// - Throws: `Interruption` in place of `TrainingInterrupted`; what `body` throws.
    func stoppable<Outcome>(in run: RunFolder?, _ body: () throws -> Outcome) throws -> Outcome {
        do {
            return try body()
        } catch let stop as TrainingInterrupted {
            throw Interruption(
                signal: interrupt.signalNumber ?? 2, advice: run.map { _ in "\(stop.completedSteps) steps are saved" },
                command: run?.resumeCommand)
        } catch var stop as Interruption {
            stop.command = stop.command ?? run?.resumeCommand
            throw stop
        }
    }
}
