import Foundation
import Synchronization

/// Writes whole files so that a reader, or a crash at any instant, sees the old bytes or the new ones and nothing else.
///
/// Temporary file in the same folder, `fsync`, `rename`, `fsync` of the folder. Every call's result is checked; a full
/// disk is `DataError.Kind.diskFull`, anything else `.cannotWrite`. A failed write removes its temporary file.
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
        let descriptor = try call(.open, path) { open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
        do {
            try fill(descriptor, bytes, path, durability)
            _ = try call(.rename, path) { rename(temporary, path) }
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

    /// Writes all bytes, syncs if asked, and closes the descriptor in every case.
    private static func fill(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String, _ durability: Durability
    ) throws(DataError) {
        do {
            var offset = 0
            while offset < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                let written = try call(
                    .write, path, half: { _ = Foundation.write(descriptor, rest.baseAddress, rest.count / 2) }
                ) {
                    Foundation.write(descriptor, rest.baseAddress, rest.count)
                }
                offset += written
            }
            if durability == .synced { _ = try call(.sync, path) { fsync(descriptor) } }
        } catch {
            close(descriptor)
            throw error
        }
        _ = try call(.close, path) { close(descriptor) }
    }

    /// One system call, repeated while interrupted; a negative result becomes an error that names `path`.
    static func call<Result: SignedInteger>(
        _ name: FileCall, _ path: String, half: () -> Void = {}, _ body: () -> Result
    ) throws(DataError) -> Result {
        if let code = FileFaults.strike(name, half: half) { throw failure(name, path, code) }
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code == EINTR && name != .close { continue }
            throw failure(name, path, code)
        }
    }

    private static func failure(_ name: FileCall, _ path: String, _ code: Int32) -> DataError {
        let full = code == ENOSPC || code == EDQUOT || code == EFBIG
        return DataError(
            full ? .diskFull : .cannotWrite, file: path, expected: "to write the file",
            found: "\(name.rawValue) failed: \(String(cString: strerror(code)))",
            remedy: full ? "free some disk space and run again" : "check that the folder exists and is writable")
    }
}
