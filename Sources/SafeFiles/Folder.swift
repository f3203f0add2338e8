import Foundation

/// Folders: created with their parents, listed in byte order, synchronised.
public enum Folder {
    /// The folder part of a path; "." when there is none.
    public static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last part of a path.
    public static func name(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    /// Creates the folder and its missing parents; an existing folder is fine.
    public static func create(_ path: String) throws(DataError) {
        var state = stat()
        if stat(path, &state) == 0 {
            guard state.st_mode & S_IFMT == S_IFDIR else { throw cannotCreate(path, "a file of that name") }
            return
        }
        let above = parent(of: path)
        if above != path && above != "." { try create(above) }
        do { try make(path) } catch {
            guard Self.exists(path) else { throw error }
        }
    }

    /// Creates a folder that is not there yet.
    ///
    /// - Throws: `DataError(failed:path:code:)`, of EEXIST too.
    public static func make(_ path: String) throws(DataError) {
        try FileCall.makeFolder.run(path) { mkdir(path, 0o755) }
    }

    private static func cannotCreate(_ path: String, _ found: String) -> DataError {
        DataError(
            .cannotWrite, file: path, expected: "a folder that can be created", found: found,
            remedy: "choose another output folder")
    }

    /// Names in the folder without "." and "..", hidden ones left out, in ascending order of their UTF-8 bytes.
    public static func entries(_ path: String) throws(DataError) -> [String] {
        guard let handle = opendir(path) else {
            let code = errno
            throw DataError(
                code == ENOENT ? .missing : .malformed, file: path, expected: "a folder that can be listed",
                found: String(cString: strerror(code)), remedy: "check the path")
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether the path leads to a folder.
    public static func exists(_ path: String) -> Bool {
        var state = stat()
        return stat(path, &state) == 0 && state.st_mode & S_IFMT == S_IFDIR
    }

    /// Makes the folder's entries survive a power loss.
    public static func synchronize(_ path: String) throws(DataError) {
        let descriptor = try FileCall.openFolder.run(path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(descriptor) }
        try FileCall.syncFolder.run(path) { fsync(descriptor) }
    }

    /// Asks the system to write all pending files to their disks: the end of a bulk write with `.renamed` durability.
    public static func synchronizeDisks() { sync() }

    /// Gives an existing file a second name; copies the bytes where the file system has no hard links.
    public static func link(_ existing: String, as path: String) throws(DataError) {
        unlink(path)
        if Foundation.link(existing, path) == 0 { return }
        try AtomicFile.write(FileBytes.read(existing, limit: Int.max), to: path, durability: .renamed)
    }
}
