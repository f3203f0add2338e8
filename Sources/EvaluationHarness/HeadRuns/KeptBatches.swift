import Foundation
import JSONText
import SafeFiles

/// What a prediction has found so far, batch by batch, in a file of the run folder: an evaluation that was stopped goes on
/// after the last batch that stands there whole.
///
/// A record is the length of its bytes (8), their checksum with the record's number (4), and the bytes. The first record
/// says what the batches depend on; each later one is a batch. A crash tears at most the last one, which is cut off when
/// the file is opened again. The file goes once the evaluation has its numbers.
public final class KeptBatches {
    static let fileName = "predicted.batches"
    private static let head = 12

    private let log: AppendFile
    /// The batches found by earlier processes, until they are taken.
    private var found: [[UInt8]]
    /// Batches found by earlier processes.
    let count: Int
    private var written: Int

    /// Opens the file of a run, or begins it.
    ///
    /// - Throws: `.configuration` for batches of another evaluation: options, seed, data, checkpoint, version, CPU path.
    init(_ run: RunFolder, identity: TrainingIdentity) throws(DataError) {
        let path = try run.file(Self.fileName)
        var records: [[UInt8]] = []
        log = try AppendFile(path) { bytes in
            var end = 0
            while let record = Self.record(bytes[end...], number: records.count) {
                records.append(record)
                end += Self.head + record.count
            }
            return end
        }
        found = Array(records.dropFirst())
        count = found.count
        written = records.count
        guard let first = records.first else {
            try add(Array(identity.json.text().utf8))
            return
        }
        guard let saved = try? JSONValue.parse(first, file: path) else {
            throw DataError(
                .malformed, file: path, expected: "what the batches depend on", found: "other bytes",
                remedy: "remove the file; every picture is predicted again")
        }
        try identity.check(saved, file: path)
    }

    /// The results of a batch, in bytes; at most once each.
    ///
    /// - Precondition: `number < count`.
    func take(_ number: Int) -> [[UInt8]] {
        defer { found[number] = [] }
        return ByteRows.split(found[number])
    }

    /// Adds the results of the next batch.
    func append(_ results: [[UInt8]]) throws(DataError) { try add(ByteRows.joined(results)) }

    /// Removes the file: the predictions and their numbers are written.
    func remove() { unlink(log.path) }

    private func add(_ bytes: [UInt8]) throws(DataError) {
        var record: [UInt8] = []
        record.reserveCapacity(Self.head + bytes.count)
        withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { record += $0 }
        withUnsafeBytes(of: Self.checksum(bytes[...], number: written).littleEndian) { record += $0 }
        record += bytes
        try log.append(record)
        written += 1
    }

    /// The bytes of the record that some bytes begin with; nil where it is not whole.
    private static func record(_ bytes: ArraySlice<UInt8>, number: Int) -> [UInt8]? {
        guard bytes.count >= head else { return nil }
        let (length, sum) = bytes.withUnsafeBytes { bytes in
            (
                UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            )
        }
        guard length <= UInt64(bytes.count - head) else { return nil }
        let body = bytes.dropFirst(head).prefix(Int(length))
        return checksum(body, number: number) == sum ? Array(body) : nil
    }

    /// With the number, so that zeros are no record and none stands for another.
    private static func checksum(_ bytes: ArraySlice<UInt8>, number: Int) -> UInt32 {
        CRC32C.checksum(bytes) ^ CRC32C.checksum(withUnsafeBytes(of: UInt64(number + 1).littleEndian) { Array($0) })
    }
}
