import Foundation
import Synchronization

/// The ranks that this process was started among: those of one `mpirun` or `srun`, or itself alone.
public enum World {
    /// Whether this build can work on several ranks: package trait `MPI`.
    public static var supportsRanks: Bool {
        #if MPI
            true
        #else
            false
        #endif
    }

    /// How many ranks `mpirun` or `srun --mpi=…` says it started; 1 where none did, nil where it does not tell.
    public static var launchedRanks: Int? { launchedRanks(ProcessInfo.processInfo.environment) }

    static func launchedRanks(_ environment: [String: String]) -> Int? {
        // PMIx, as of `srun --mpi=pmix`, tells a process its rank in the environment and the size only when asked. Slurm's
        // own words count then alone: a batch script outside of `srun` has them too.
        let usesPMIx = environment["PMIX_RANK"] != nil
        let slurm = usesPMIx ? ["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"] : []
        for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] + slurm {
            if let count = environment[name].flatMap({ Int($0) }) { return count }
        }
        return usesPMIx ? nil : 1
    }

    /// This process's number among those that were launched, by the environment; 0 where none says.
    ///
    /// It is known without MPI, and so in a build that cannot join the others.
    public static var launchedRank: Int {
        let environment = ProcessInfo.processInfo.environment
        return ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].lazy.compactMap { environment[$0].flatMap { Int($0) } }
            .first ?? 0
    }

    private static let listener = Mutex<(@Sendable (Duration) -> Void)?>(nil)

    /// Calls `body` about ten times a second while this rank waits for others, with the time it has waited.
    public static func whileWaiting(_ body: @escaping @Sendable (Duration) -> Void) {
        listener.withLock { $0 = body }
    }

    static func tellOfWaiting(_ waited: Duration) { listener.withLock { $0 }?(waited) }

    #if MPI
        private static let ranks: OpenMPI? = launchedRanks == 1 ? nil : OpenMPI()

        /// All ranks. The first use starts MPI, where several were launched; it comes from the main thread.
        public static let group: any Communicator = ranks ?? SingleProcess()

        /// Ranks on this machine.
        public static var neighbours: Int { ranks?.neighbours ?? 1 }

        /// Ends the work of all ranks in good order: returns when every rank has called it.
        public static func end() { ranks?.end() }

        /// Ends all ranks at once, with an exit code; does nothing where this process is alone.
        public static func abort(_ code: Int32) {
            if let ranks, ranks.size > 1 { dmt_mpi_abort(code) }
        }
    #else
        /// This process alone.
        public static let group: any Communicator = SingleProcess()

        /// Ranks on this machine.
        public static var neighbours: Int { 1 }

        /// Ends the work of all ranks in good order: returns when every rank has called it.
        public static func end() {}

        /// Ends all ranks at once, with an exit code; does nothing where this process is alone.
        public static func abort(_ code: Int32) {}
    #endif
}

#if MPI
    import CMPI
#endif
