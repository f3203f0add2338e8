import Communication

/// The command that continues a run.
enum ResumeCommand {
    /// The command line of a run with `--out` naming its folder, and `--resume`.
    ///
    /// - Parameters:
    ///   - arguments: as the program got them, its own name first; empty where there was no command line.
    ///   - folder: the run's.
    /// - Returns: a text for a shell.
    static func text(_ arguments: [String], folder: String) -> String {
        let kept = ArgumentList.removing(option: "--out", flag: "--resume", from: arguments)
        let ranks = World.group.size
        return ((ranks > 1 ? ["mpirun", "-n", "\(ranks)"] : []) + kept + ["--out", folder, "--resume"]).map(
            RunFolder.quoted
        ).joined(separator: " ")
    }
}
