import Foundation
import SafeFiles

/// A file written piece by piece under a temporary name, that takes its own name when it is whole.
///
/// Released before `finish`, it leaves nothing behind.
final class GrowingFile {
    private let path: String
    private let temporary: String
    private let file: WritableFile
    private var isFinished = false
    private var pending: [UInt8] = []

    /// - Throws: `.cannotWrite`, `.diskFull` or `.deviceFailed`.
    init(_ path: String) throws(DataError) {
        self.path = path
        // The name of a leftover of `AtomicFile`, so that a killed run's is found and removed like those.
        temporary = "\(path).tmp.\(getpid()).0"
        file = try WritableFile(temporary, flags: O_WRONLY | O_CREAT | O_TRUNC, name: path)
    }

    deinit {
        if !isFinished { unlink(temporary) }
    }

    func append(_ text: String) throws(DataError) {
        pending += Array(text.utf8)
        if pending.count >= 1 << 20 { try flush() }
    }

    /// Syncs, and gives the file its name.
    func finish() throws(DataError) {
        try flush()
        try file.synchronize()
        try FileCall.rename.run(path) { rename(temporary, path) }
        isFinished = true
        try Folder.synchronize(Folder.parent(of: path))
    }

    private func flush() throws(DataError) {
        try file.write(pending)
        pending.removeAll(keepingCapacity: true)
    }
}
