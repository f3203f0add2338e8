import CZip
import Foundation
import SafeFiles

/// libzip's view of an archive: a second reading to compare with `ZipDirectory`, and the inflating of entries.
///
/// Not thread-safe; `ZipArchive` guards it.
final class ZipLibrary {
    private let handle: OpaquePointer
    private let path: String

    /// Opens the archive a second time.
    ///
    /// - Throws: `DataError` when libzip refuses it, or sees other entries than `entries`.
    init(_ source: ByteSource, agreeingWith entries: [ZipEntry]) throws(DataError) {
        var code: Int32 = 0
        let opened: OpaquePointer? = source.withBacking(
            file: { descriptor in
                let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
                guard copy >= 0 else { return nil }
                let handle = zip_fdopen(copy, 0, &code)
                if handle == nil { close(copy) }
                return handle
            },
            memory: { bytes in
                // libzip frees the copy with its source.
                let copy = malloc(max(bytes.count, 1))!
                bytes.withUnsafeBytes { raw in
                    copy.copyMemory(from: raw.baseAddress ?? UnsafeRawPointer(copy), byteCount: raw.count)
                }
                guard let buffer = zip_source_buffer_create(copy, UInt64(bytes.count), 1, nil) else {
                    free(copy)
                    return nil
                }
                let handle = zip_open_from_source(buffer, ZIP_RDONLY, nil)
                if handle == nil { zip_source_free(buffer) }
                return handle
            })
        guard let opened else {
            throw ZipDirectory.refused(source, "a zip archive that libzip opens", "one it refuses (code \(code))")
        }
        handle = opened
        path = source.path
        try compare(entries, source)
    }

    deinit { zip_discard(handle) }

    private func compare(_ entries: [ZipEntry], _ source: ByteSource) throws(DataError) {
        let count = zip_get_num_entries(handle, 0)
        guard count == entries.count else {
            throw ZipDirectory.refused(source, "\(entries.count) entries for libzip too", "\(count)")
        }
        for (index, entry) in entries.enumerated() {
            var status = zip_stat_t()
            let name = zip_get_name(handle, UInt64(index), UInt32(ZIP_FL_ENC_RAW))
            let agrees =
                name.map { strcmp($0, entry.name) == 0 } == true
                && zip_stat_index(handle, UInt64(index), 0, &status) == 0
                && status.size == UInt64(entry.size) && status.comp_size == UInt64(entry.compressedSize)
                && status.crc == entry.crc && status.comp_method == entry.method.rawValue
                && status.encryption_method == UInt16(ZIP_EM_NONE)
            guard agrees else {
                throw ZipDirectory.refused(
                    source, "an entry that libzip sees the same way", "another", "entry '\(entry.name)'")
            }
        }
    }

    /// Inflates an entry in pieces until `body` says that it has enough.
    ///
    /// - Parameter index: the entry's place in the directory.
    /// - Throws: what `body` throws, and `DataError` for damaged data or more than the declared size.
    func inflate(
        _ index: Int, _ entry: ZipEntry, pieceSize: Int,
        _ body: (UnsafeRawBufferPointer, _ offset: Int) throws(DataError) -> Bool
    ) throws(DataError) {
        guard let file = zip_fopen_index(handle, UInt64(index), 0) else { throw damaged(entry, "no readable data") }
        defer { zip_fclose(file) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 64)
        defer { buffer.deallocate() }
        var done = 0
        while done < entry.size {
            // A read may give less than it could: pieces are filled, so that all but the last have one size.
            let wanted = min(pieceSize, entry.size - done)
            var filled = 0
            while filled < wanted {
                let got = zip_fread(file, buffer.baseAddress! + filled, UInt64(wanted - filled))
                guard got > 0 else { throw damaged(entry, got == 0 ? "\(done + filled) bytes" : "damaged data") }
                filled += Int(got)
            }
            if try !body(UnsafeRawBufferPointer(rebasing: buffer[0..<filled]), done) { return }
            done += filled
        }
        guard zip_fread(file, buffer.baseAddress!, 1) == 0 else { throw damaged(entry, "more, or a wrong checksum") }
    }

    private func damaged(_ entry: ZipEntry, _ found: String) -> DataError {
        DataError(
            .malformed, file: path, record: "entry '\(entry.name)'", expected: "\(entry.size) inflated bytes",
            found: found, remedy: "check that the file is complete")
    }
}
