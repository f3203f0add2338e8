import Determinism
import Foundation
import SafeFiles
import TestSupport
import Testing

@testable import CheckpointIO

@Suite struct PyTorchFileTests {
    private let state = PickleAssembler.pickle { pickle in
        pickle.op(.emptyDict)
        pickle.string("w")
        pickle.tensor()
        pickle.op(.setItem)
    }

    private func expectRefusal(
        _ part: String, _ location: SourceLocation = #_sourceLocation, _ change: (inout HandMadeZip) -> Void
    ) {
        do throws(DataError) {
            _ = try openCheckpoint(checkpoint(state, change))
            Issue.record("was read; expected a refusal with '\(part)'", sourceLocation: location)
        } catch {
            let isRight = error.kind == .malformed && error.file == "t.pth" && error.description.contains(part)
            #expect(isRight, "\(error) does not hold '\(part)'", sourceLocation: location)
        }
    }

    private func index(_ name: String, _ zip: HandMadeZip) -> Int { zip.entries.firstIndex { $0.name == name }! }

    @Test func recordsAreChecked() throws {
        _ = try openCheckpoint(checkpoint(state))
        expectRefusal("records inside the folder 'model/'") { $0.entries[3].name = "other/version" }
        expectRefusal("records inside one folder") { $0.entries[0].name = "data.pkl" }
        expectRefusal("a record data.pkl") { $0.entries[0].name = "model/data.pickle" }
        expectRefusal("a record data/0") { $0.entries[2].name = "model/data/1" }
        expectRefusal("a record version") { $0.entries.removeLast() }
        for version in ["", "0", "11", "three", "3\n\n"] {
            expectRefusal("version 1 to 10") { $0.entries[3].data = Array(version.utf8) }
        }
        expectRefusal("byte order 'little', found 'big'") { $0.entries[1].data = Array("big".utf8) }
        expectRefusal("at most 64 bytes") { $0.entries[1].data = [UInt8](repeating: 0x20, count: 65) }
        expectRefusal("a TorchScript program") { $0.entries.append(.init(name: "model/constants.pkl", data: [])) }
        expectRefusal("24 bytes for 6 of F32") { $0.entries[2].data.removeLast() }
        expectRefusal("records without compression") {
            $0.entries[2] = .init(name: "model/data/0", data: [3, 0], method: 8, size: 0, crc: 0)
        }
        expectRefusal("data with checksum") { $0.entries[0].crc = 1 }
        // Files before 1.12 have no record of the byte order; directories may stand among the entries.
        var old = HandMadeZip([])
        _ = checkpoint(state) { zip in
            zip.entries.remove(at: 1)
            zip.entries.append(.init(name: "model/data/", data: []))
            old = zip
        }
        #expect(try openCheckpoint(old.bytes()).tensors().entries.map(\.name) == ["w"])
    }

    @Test func damagedNumbersAreFoundWhenTheyAreRead() throws {
        let file = try openCheckpoint(checkpoint(state) { $0.entries[2].crc = 1 })
        #expect {
            try file.tensors().bytes(of: "w")
        } throws: {
            ($0 as? DataError)?.record == "entry 'model/data/0'"
        }
    }

    @Test func keysLeadToADictOfTensors() throws {
        let bytes = checkpoint(
            PickleAssembler.pickle { pickle in
                pickle.op(.emptyDict, .mark)
                pickle.string("a")
                pickle.op(.emptyDict)
                pickle.string("b")
                pickle.op(.emptyDict, .mark)
                pickle.string("w")
                pickle.tensor()
                pickle.string("epoch")
                pickle.int(3)
                pickle.int(7)
                pickle.tensor()
                pickle.op(.setItems, .setItem)
                pickle.string("n")
                pickle.int(1)
                pickle.string("none")
                pickle.op(.emptyDict, .setItems)
            })
        let file = try openCheckpoint(bytes)
        #expect(file.tensorDicts == [["a", "b"]])
        let archive = try file.tensors(at: ["a", "b"])
        #expect(archive.entries == [TensorEntry(name: "w", type: .f32, shape: [2, 3])])
        #expect(try archive.floats(of: "w").shape == [2, 3])
        #expect(try file.tensors(at: ["none"]).entries.isEmpty)
        for keyPath in [[], ["a"], ["a", "x"], ["n"], ["x"], ["n", "x"]] as [[String]] {
            #expect {
                try file.tensors(at: keyPath)
            } throws: {
                ($0 as? DataError)?.remedy == "tensors lie under 'a.b'; name the keys to one of them"
            }
        }
        #expect {
            try archive.bytes(of: "v")
        } throws: {
            ($0 as? DataError)?.record == "tensor 'v'"
        }
        let empty = try openCheckpoint(checkpoint(PickleAssembler.pickle { $0.op(.emptyList) }, storages: [:]))
        #expect {
            try empty.tensors()
        } throws: {
            ($0 as? DataError)?.remedy == "the file holds no dict of tensors"
        }
    }

    /// Reads everything that can be read.
    private func readAll(_ bytes: [UInt8]) throws(DataError) {
        let file = try openCheckpoint(bytes)
        _ = try describe(file.value, file)
        for keyPath in file.tensorDicts {
            let archive = try file.tensors(at: keyPath)
            for entry in archive.entries { _ = try archive.tensor(entry.name) }
        }
    }

    @Test func noCutIsRead() throws {
        let good = try Checkpoints.bytes("linear.pth")
        try readAll(good)
        for count in good.indices { #expect(throws: DataError.self) { try readAll(Array(good[0..<count])) } }
    }

    /// Cuts of the pickle alone, in an archive that is whole.
    @Test func noCutOfThePickleIsRead() throws {
        let source = ByteSource(try Checkpoints.bytes("mae.pth"), name: "mae.pth")
        let archive = try ZipArchive(source)
        let pickle = try archive.bytes(of: archive["mae/data.pkl"]!, limit: 1 << 20)
        _ = try PickleMachine.read(pickle, file: "mae.pth")
        for count in pickle.indices {
            #expect(throws: DataError.self) { try PickleMachine.read(Array(pickle[0..<count]), file: "mae.pth") }
        }
    }

    @Test func noRandomChangeCrashes() throws {
        let files = try ["views.pth", "dtypes.pth", "ibot.pth", "cases/003.pth"].map { try Checkpoints.bytes($0) }
        var readable = 0
        for trial in 0..<2000 as Range<UInt64> {
            var stream = RandomStream(seed: 9, purpose: "flips", trial)
            var bytes = files[stream.int(below: files.count)]
            for _ in 0...stream.int(below: 3) {
                bytes[stream.int(below: bytes.count)] ^= 1 << UInt8(stream.int(below: 8))
            }
            do throws(DataError) {
                try readAll(bytes)
                readable += 1
            } catch {
                #expect(error.kind == .malformed && !error.expected.isEmpty && !error.remedy.isEmpty)
            }
        }
        // Padding between records and times of files are no one's business: changes there are read.
        #expect(readable > 20 && readable < 1500, "\(readable) of 2000 read")
    }

    /// Changes of the pickle itself, past the checksum that would catch them.
    @Test func noRandomChangeOfThePickleCrashes() throws {
        let source = ByteSource(try Checkpoints.bytes("ibot.pth"), name: "ibot.pth")
        let archive = try ZipArchive(source)
        let pickle = try archive.bytes(of: archive["ibot/data.pkl"]!, limit: 1 << 20)
        var refused = 0
        for trial in 0..<2000 as Range<UInt64> {
            var stream = RandomStream(seed: 9, purpose: "pickle flips", trial)
            var bytes = pickle
            for _ in 0...stream.int(below: 3) {
                bytes[stream.int(below: bytes.count)] = UInt8(stream.int(below: 256))
            }
            do throws(DataError) { _ = try PickleMachine.read(bytes, file: "ibot.pth") } catch { refused += 1 }
        }
        #expect(refused > 200, "\(refused) of 2000 refused")
    }

    /// A sparse file of 5 GiB, beyond the reach of 32-bit offsets: it opens though the checksum of its numbers is wrong, as
    /// they are not read, and a read that streams all of them finds out.
    @Test func aLargeFileOpensWithoutItsNumbers() throws {
        let path = NSTemporaryDirectory() + "dmt-\(UUID().uuidString).pth"
        defer { unlink(path) }
        let gibi = 1 << 30
        let pickle = PickleAssembler.pickle { pickle in
            pickle.op(.emptyDict, .mark)
            pickle.string("large")
            pickle.tensor(type: "ByteStorage", storageCount: 4 * gibi, shape: [2], strides: [4 * gibi - 1])
            pickle.string("small")
            pickle.tensor(key: "1", type: "ByteStorage", storageCount: gibi, offset: 5, shape: [3], strides: [1 << 28])
            pickle.string("last")
            pickle.tensor(key: "2", type: "ByteStorage", storageCount: 2, shape: [2], strides: [1])
            pickle.op(.setItems)
        }
        var zip = HandMadeZip.checkpoint(pickle, storages: ["0": [], "1": [], "2": [8, 9]])
        zip.isWide = true
        for index in zip.entries.indices { zip.entries[index].isWide = true }
        zip.entries[2].hole = 4 * gibi
        zip.entries[2].localSize = .max
        zip.entries[3].hole = gibi
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        defer { close(descriptor) }
        for piece in zip.pieces() {
            try #require(pwrite(descriptor, piece.bytes, piece.bytes.count, off_t(piece.offset)) == piece.bytes.count)
        }

        let archive = try PyTorchFile(path: path).tensors()
        #expect(archive.entries.map(\.shape) == [[2], [3], [2]])
        #expect(try archive.bytes(of: "last") == [8, 9])
        #expect {
            try archive.bytes(of: "small")
        } throws: {
            ($0 as? DataError)?.expected == "data with checksum 0"
        }
    }
}
