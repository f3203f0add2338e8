import Foundation
import ImageFiles
import Testing

@testable import EvaluationHarness

@Suite struct EventFileTests {
    private let date = Date(timeIntervalSince1970: 1_700_000_000.5)

    private func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

    /// The record that opens every event file, byte by byte: wall time 0 and "brain.Event:2" (24 bytes of data). The
    /// length checksum of 24 is the well-known `a3 7f 4b 22`.
    @Test func firstRecordHasTheKnownBytes() throws {
        try withTemporaryFolder { folder in
            let file = try EventFile(folder: folder, date: Date(timeIntervalSince1970: 0))
            let all = try bytes(file.path)
            #expect(Array(all[0..<12]) == [24, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0x7F, 0x4B, 0x22])
            #expect(Array(all[12..<36]) == [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0x1A, 13] + Array("brain.Event:2".utf8))
            #expect(all.count == 40)
        }
    }

    @Test func pointsAreEncodedByHand() throws {
        try withTemporaryFolder { folder in
            let file = try EventFile(folder: folder, date: date)
            let before = try bytes(file.path).count
            try file.add("loss", 0.5, step: 300, date: date)
            let record = Array(try bytes(file.path)[before...])
            // Event: 1 double wall time; 2 varint 300; 5 summary { 1 value { 1 "loss", 2 float 0.5 } }
            let wall = withUnsafeBytes(of: 1_700_000_000.5.bitPattern.littleEndian) { Array($0) }
            let point: [UInt8] = [0x0A, 4] + Array("loss".utf8) + [0x15, 0, 0, 0, 0x3F]
            let data: [UInt8] = [0x09] + wall + [0x10, 0xAC, 0x02, 0x2A, 13, 0x0A, 11] + point
            #expect(Array(record[12..<(record.count - 4)]) == data)
            #expect(record[0] == UInt8(data.count))
        }
    }

    @Test func picturesAreEncodedByHand() throws {
        try withTemporaryFolder { folder in
            let file = try EventFile(folder: folder, date: date)
            let before = try bytes(file.path).count
            let picture = Picture(height: 2, width: 3, filledWith: (200, 10, 30))
            try file.add("validation/a.png", picture, step: 7, date: date)
            let record = Array(try bytes(file.path)[before...])
            // Event: 1 wall time; 2 varint 7; 5 summary { 1 value { 1 tag, 4 image { 1 height, 2 width, 3 RGB, 4 PNG } } }
            let png = PNGFile.encode(picture)
            #expect(png.count < 120, "lengths below take one byte each")
            let wall = withUnsafeBytes(of: 1_700_000_000.5.bitPattern.littleEndian) { Array($0) }
            let image: [UInt8] = [0x08, 2, 0x10, 3, 0x18, 3, 0x22, UInt8(png.count)] + png
            let value: [UInt8] = [0x0A, 16] + Array("validation/a.png".utf8) + [0x22, UInt8(image.count)] + image
            let summary = [0x0A] + ProtocolBuffer.varint(UInt64(value.count)) + value
            let data = [0x09] + wall + [0x10, 7, 0x2A] + ProtocolBuffer.varint(UInt64(summary.count)) + summary
            #expect(Array(record[12..<(record.count - 4)]) == data)
            #expect(EventFile.kept(try bytes(file.path), 6) == before, "a picture is cut with its step")
        }
    }

    @Test func tornTailsAreCutAndStepsRewound() throws {
        try withTemporaryFolder { folder in
            do {
                let file = try EventFile(folder: folder, date: date)
                for step in [10, 20, 30] { try file.add("loss", Double(step), step: step, date: date) }
            }
            let path = folder + "/" + (try FileManager.default.contentsOfDirectory(atPath: folder)[0])
            let whole = try bytes(path)
            for cut in 1..<20 {
                try Data(whole.dropLast(cut)).write(to: URL(fileURLWithPath: path))
                do {
                    let file = try EventFile(folder: folder)
                    try file.add("loss", 30, step: 30, date: date)
                }
                #expect(try bytes(path) == whole, "cut \(cut)")
            }
            // A flipped bit in the last record drops it, and resuming at step 20 drops step 30.
            var flipped = whole
            flipped[whole.count - 10] ^= 1
            #expect(EventFile.kept(flipped, nil) < whole.count)
            #expect(EventFile.kept(whole, nil) == whole.count)
            do {
                let file = try EventFile(folder: folder, resumingAt: 20)
                try file.add("loss", 30, step: 30, date: date)
            }
            #expect(try bytes(path) == whole)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
        }
    }
}
