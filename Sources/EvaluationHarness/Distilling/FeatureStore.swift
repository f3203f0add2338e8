import Determinism
import Distillation
import Glibc
import JSONText
import SafeFiles
import TensorCore

/// One teacher's tokens of many pictures in a file: records of one size, appended as the teacher sees them, mapped for
/// reading, found by what the picture and the view are.
///
/// A file belongs to one teacher (the hash of its checkpoint), one grid and one way of storing; its first 4096 bytes say
/// which. A record is the picture's SHA-256, the view, checksums and the values. What a crash left unfinished at the end is
/// dropped when the file is opened again; a damaged record is refused, for its head at once, for its values when it is read.
final class FeatureStore {
    struct Key: Equatable {
        var teacher: String
        /// SHA-256 of the teacher's checkpoint.
        var checkpoint: String
        var isRounded: Bool
        var width: Int
        var grid: (height: Int, width: Int)
        var storage: FeatureStorage

        static func == (a: Key, b: Key) -> Bool { a.header == b.header }

        var layout: FeatureRecord { FeatureRecord(width: width, patches: grid.height * grid.width, storage: storage) }

        /// What the file begins with.
        var header: String {
            JSONValue.object([
                ("format", .string("dmt teacher features")), ("version", .int(2)), ("teacher", .string(teacher)),
                ("checkpoint_sha256", .string(checkpoint)), ("products", .string(isRounded ? "bf16" : "f32")),
                ("width", .int(Int64(width))), ("grid", .array([.int(Int64(grid.height)), .int(Int64(grid.width))])),
                ("storage", .string(storage.rawValue)), ("record_bytes", .int(Int64(layout.byteCount))),
            ]).text()
        }

        var fileName: String {
            var hash = SHA256()
            hash.update(header)
            return "\(RunFolder.slug(teacher))-\(hash.hex().prefix(16)).features"
        }
    }

    /// A picture seen in one view.
    struct Place: Hashable {
        var picture: PictureDigest
        var view: PictureView
    }

    let key: Key
    let path: String
    private let layout: FeatureRecord
    private let file: WritableFile
    private var places: [Place: Int] = [:]
    private var verified: Set<Int> = []
    private var mapped: UnsafeMutableRawPointer?
    private var mappedCount = 0
    private static let headerBytes = 4096

    /// Opens the file of a key in a folder, or begins it. Until `finishWriting` no other process can open it to write.
    ///
    /// - Parameter readsOnly: for the ranks beside the one that writes; the file is whole then.
    /// - Throws: `.cannotWrite`, `.diskFull`; `.malformed` where the file is another's; `.missing`.
    init(_ key: Key, in folder: String, readsOnly: Bool = false) throws(DataError) {
        (self.key, path, layout) = (key, "\(folder)/\(key.fileName)", key.layout)
        if !readsOnly { try Folder.create(folder) }
        do {
            file = try WritableFile(path, flags: readsOnly ? O_RDONLY : O_RDWR | O_CREAT)
        } catch {
            guard readsOnly else { throw error }
            throw DataError(
                .missing, file: path, expected: "the features that rank 0 wrote", found: error.found,
                remedy: "name a folder that all machines share")
        }
        guard readsOnly || Self.locks(file.descriptor) else {
            throw DataError(
                .cannotWrite, file: path, expected: "a cache that no other process writes", found: "one that does",
                remedy: "wait for it, or use another folder")
        }
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else {
            throw DataError(failed: .openToRead, path: path, code: errno)
        }
        let header = Array(key.header.utf8)
        let block = header + [UInt8](repeating: 0x20, count: Self.headerBytes - header.count - 1) + [0x0A]
        if status.st_size < Self.headerBytes, !readsOnly {
            try file.truncate(to: 0)
            try write(block, at: 0)
            return
        }
        try map(records: (Int(status.st_size) - Self.headerBytes) / layout.byteCount)
        guard UnsafeRawBufferPointer(start: mapped, count: Self.headerBytes).elementsEqual(block) else {
            throw DataError(
                .malformed, file: path, expected: "features of \(key.teacher) as its name says",
                found: "another header", remedy: "delete the file; it is made again")
        }
        var whole = mappedCount
        while whole > 0, !layout.hasSoundHead(record(whole - 1)) { whole -= 1 }
        try map(records: whole)
        for index in 0..<whole {
            guard layout.hasSoundHead(record(index)) else { throw damaged(index) }
            places[layout.place(record(index))] = index
        }
    }

    private func damaged(_ index: Int) -> DataError {
        DataError(
            .malformed, file: path, record: "record \(index)", expected: "bytes with their checksum",
            found: "others", remedy: "delete the file; it is made again")
    }

    /// Waits a moment: another process that only looks whether all is there has the lock for as long.
    private static func locks(_ descriptor: Int32) -> Bool {
        for _ in 0..<100 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(20_000)
        }
        return false
    }

    /// Lets other processes open the file: nothing will be appended here. What is stored stays readable.
    func finishWriting() { flock(file.descriptor, LOCK_UN) }

    deinit {
        if let mapped { munmap(mapped, Self.headerBytes + mappedCount * layout.byteCount) }
    }

    var count: Int { places.count }

    func contains(_ place: Place) -> Bool { places[place] != nil }

    /// Appends the tokens of pictures seen in one view.
    ///
    /// - Throws: `.diskFull`, `.cannotWrite`: nothing of the batch is kept then.
    func append(_ tokens: TeacherTokens, of pictures: [PictureDigest], view: PictureView) throws(DataError) {
        try append(
            pictures.enumerated().flatMap { row, picture in
                layout.encoded(tokens, row: row, at: Place(picture: picture, view: view))
            }, of: pictures, view: view)
    }

    /// Appends records as `FeatureRecord` encodes them, one a picture.
    ///
    /// - Throws: `.diskFull`, `.cannotWrite`: nothing of the batch is kept then.
    func append(_ records: [UInt8], of pictures: [PictureDigest], view: PictureView) throws(DataError) {
        precondition(records.count == pictures.count * layout.byteCount, "\(records.count) bytes of features")
        let start = places.count
        try write(records, at: Self.headerBytes + start * layout.byteCount)
        for (row, picture) in pictures.enumerated() { places[Place(picture: picture, view: view)] = start + row }
    }

    /// The tokens of a batch as bfloat16, in the order of `wanted`.
    ///
    /// - Throws: `.malformed` where a record's checksum is wrong.
    func tokens(_ wanted: [Place]) throws(DataError) -> TeacherTokens {
        if mappedCount < places.count { try map(records: places.count) }
        let cls = Tensor(uninitialized: [wanted.count, key.width], .bf16)
        let patches = Tensor(uninitialized: [wanted.count, key.grid.height * key.grid.width, key.width], .bf16)
        let indices = wanted.map { place -> Int in
            guard let index = places[place] else { preconditionFailure("features of a picture that was never stored") }
            return index
        }
        let unseen = indices.map { !verified.contains($0) }
        nonisolated(unsafe) var isSound = [Bool](repeating: true, count: indices.count)
        isSound.withUnsafeMutableBufferPointer { sound in
            nonisolated(unsafe) let sound = sound
            Parallel.forEach(indices.count) { row in
                let record = record(indices[row])
                if unseen[row] { sound[row] = layout.isSound(record) }
                layout.decode(record, cls.rows(row..<row + 1), patches.rows(row..<row + 1))
            }
        }
        if let row = isSound.firstIndex(of: false) { throw damaged(indices[row]) }
        verified.formUnion(indices)
        return TeacherTokens(name: key.teacher, cls: cls, patches: patches, grid: key.grid)
    }

    // MARK: The file

    private func record(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: mapped! + Self.headerBytes + index * layout.byteCount, count: layout.byteCount)
    }

    private func map(records: Int) throws(DataError) {
        if let mapped { munmap(mapped, Self.headerBytes + mappedCount * layout.byteCount) }
        mapped = nil
        let size = Self.headerBytes + records * layout.byteCount
        guard let base = mmap(nil, size, PROT_READ, MAP_SHARED, file.descriptor, 0), base != MAP_FAILED else {
            throw DataError(failed: .read, path: path, code: errno)
        }
        (mapped, mappedCount) = (base, records)
    }

    /// A whole write, or the file is cut back.
    private func write(_ bytes: [UInt8], at offset: Int) throws(DataError) {
        do { try file.write(bytes, at: offset) } catch {
            file.cut(to: offset)
            throw error
        }
    }
}
