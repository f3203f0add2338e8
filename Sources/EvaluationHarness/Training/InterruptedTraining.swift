extension CommandSession {
    /// Runs a training; when a signal stops it, what it has learned is saved first.
    ///
    /// - Parameter save: gets the number of completed steps and returns the file, or nil where nothing is kept.
    /// - Throws: `Interruption` in place of `TrainingInterrupted`, with the file in its advice; what `save` and `body` throw.
    func saving<Outcome>(_ save: (Int) throws -> String?, _ body: () throws -> Outcome) throws -> Outcome {
        do {
            return try body()
        } catch let stop as TrainingInterrupted {
            let file = try save(stop.completedSteps)
            throw Interruption(
                signal: interrupt.signalNumber ?? 2, advice: file.map { "\(stop.completedSteps) steps are in \($0)" })
        }
    }
}
