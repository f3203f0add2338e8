import Foundation
import Synchronization

/// Writes whole files so that a reader, or a crash at any instant, sees the old bytes or the new ones and nothing else.
///
/// Temporary file in the same folder, `fsync`, `rename`, `fsync` of the folder. Every call's result is checked; a full
/// disk is `DataError.Kind.diskFull`, a device that fails `.deviceFailed`, anything else `.cannotWrite`. A failed write
/// removes its temporary file.
public enum AtomicFile {
    /// What a successful return promises.
    public enum Durability: Sendable {
        /// The bytes survive a power loss.
        case synced
        /// The file is whole or absent while the system runs; for thousands of small files that are redone after a
        /// power loss anyway.
        case renamed
    }

    private static let serial = Atomic<UInt64>(0)

    /// Replaces the file at `path` by `bytes`.
    public static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, durability: Durability = .synced
    ) throws(DataError) {
        let number = serial.wrappingAdd(1, ordering: .relaxed).newValue
        let temporary = "\(path).tmp.\(getpid()).\(number)"
        do {
            try fill(temporary, bytes, path, durability)
            try FileCall.rename.run(path) { rename(temporary, path) }
        } catch {
            unlink(temporary)
            throw error
        }
        if durability == .synced { try Folder.synchronize(Folder.parent(of: path)) }
    }

    /// Replaces the file at `path` by `bytes`.
    public static func write(
        _ bytes: [UInt8], to path: String, durability: Durability = .synced
    ) throws(DataError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(DataError) in
            try write(UnsafeRawBufferPointer(buffer), to: path, durability: durability)
        }
    }

    /// Replaces the file at `path` by the UTF-8 bytes of `text`.
    public static func write(_ text: String, to path: String, durability: Durability = .synced) throws(DataError) {
        try write(Array(text.utf8), to: path, durability: durability)
    }

    /// Removes the temporary files that killed writes left in a folder and the folders directly in it.
    ///
    /// - Precondition: nobody writes there.
    public static func removeLeftovers(in folder: String) throws(DataError) {
        for name in try Folder.entries(folder) {
            if isLeftover(name) { unlink("\(folder)/\(name)") }
            guard Folder.exists("\(folder)/\(name)") else { continue }
            for inner in try Folder.entries("\(folder)/\(name)") where isLeftover(inner) {
                unlink("\(folder)/\(name)/\(inner)")
            }
        }
    }

    /// Whether a file of that name is a write's temporary one: `name.tmp.<process>.<number>`.
    public static func isLeftover(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count > 3 && parts[parts.count - 3] == "tmp" && parts.suffix(2).allSatisfy { UInt64($0) != nil }
    }

    /// Writes all bytes under the temporary name and syncs if asked.
    private static func fill(
        _ temporary: String, _ bytes: UnsafeRawBufferPointer, _ path: String, _ durability: Durability
    ) throws(DataError) {
        let file = try WritableFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL, name: path)
        try file.write(bytes)
        if durability == .synced { try file.synchronize() }
        try file.close()
    }
}
