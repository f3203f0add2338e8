import Foundation
import SafeFiles

/// The snapshots of one run: `checkpoints/step-00000120.safetensors`, the number being that of steps done.
struct SnapshotFolder {
    let path: String
    /// Snapshots that stay, the newest ones.
    let keep: Int
    let identity: TrainingIdentity

    /// The newest snapshot that is whole; nil where there is none at all. Older ones go that a killed process had no time to
    /// remove.
    ///
    /// - Parameter warn: gets a sentence for each newer one that is not as it was written.
    /// - Throws: `.configuration` for a snapshot of another training; `.malformed` when none is whole, `.deviceFailed` when
    ///   one of them could not be read.
    func newest(
        totalSteps: Int, warn: (String) -> Void
    ) throws(DataError) -> (snapshot: TrainingSnapshot, file: String)? {
        let steps = try self.steps().reversed()
        var lost: DataError?
        for step in steps {
            let file = file(step)
            do throws(DataError) {
                let found = try TrainingSnapshot(file, identity: identity, totalSteps: totalSteps)
                for old in steps.filter({ $0 <= step }).dropFirst(keep) { unlink(self.file(old)) }
                return (found, file)
            } catch {
                guard error.kind == .malformed || error.kind == .deviceFailed else { throw error }
                if error.kind == .deviceFailed { lost = error }
                warn("\(error) An older snapshot is tried.")
            }
        }
        // What a disk does not give today may be whole: it is not to be removed.
        if let lost { throw lost }
        guard steps.isEmpty else {
            throw DataError(
                .malformed, file: path, expected: "a snapshot that is as it was written",
                found: "\(steps.count) that are not",
                remedy: "remove this folder and use --resume to begin at the first step again")
        }
        return nil
    }

    /// Writes a snapshot, then removes those that need not stay: all but the newest, and any that claims later steps.
    ///
    /// - Returns: the file.
    /// - Throws: `.cannotWrite`, `.diskFull`; the older snapshots stay as they are.
    func save(_ snapshot: TrainingSnapshot) throws(DataError) -> String {
        let file = file(snapshot.completedSteps)
        try Folder.create(path)
        try snapshot.write(to: file, identity: identity)
        let steps = try self.steps()
        let older = steps.filter { $0 <= snapshot.completedSteps }
        for step in older.dropLast(keep) + steps.filter({ $0 > snapshot.completedSteps }) { unlink(self.file(step)) }
        return file
    }

    /// Steps of the snapshots there, ascending.
    func steps() throws(DataError) -> [Int] {
        guard Folder.exists(path) else { return [] }
        return try Folder.entries(path).compactMap { name -> Int? in
            guard name.hasPrefix("step-"), name.hasSuffix(".safetensors") else { return nil }
            return Int(name.dropFirst(5).dropLast(12))
        }.sorted()
    }

    private func file(_ step: Int) -> String { String(format: "%@/step-%08d.safetensors", path, step) }
}
