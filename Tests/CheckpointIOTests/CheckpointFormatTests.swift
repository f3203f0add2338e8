import Foundation
import SafeFiles
import TensorCore
import Testing

@testable import CheckpointIO

@Suite struct CheckpointFormatTests {
    private func open(_ bytes: [UInt8], _ keyPath: [String] = []) throws(DataError) -> any TensorArchive {
        try CheckpointArchive.open(ByteSource(bytes, name: "weights.bin"), keyPath: keyPath)
    }

    private func expectRefusal(
        _ found: String, _ remedy: String, _ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation
    ) {
        do throws(DataError) {
            _ = try open(bytes)
            Issue.record("was opened", sourceLocation: location)
        } catch {
            let isRight = error.found.contains(found) && error.remedy.contains(remedy)
            #expect(isRight, "\(error)", sourceLocation: location)
        }
    }

    @Test func theBytesTellTheFormat() throws {
        let w = Tensor([1, 2] as [Float], [2])
        let plain = try open(Safetensors.encode(["w": w]))
        #expect(plain is SafetensorsFile && plain.entries == [TensorEntry(name: "w", type: .f32, shape: [2])])
        #expect(try plain.floats(of: "w").floats() == [1, 2] && plain.bytes(of: "w").count == 8)
        let padded = try open(safetensors(" {\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", data: 1))
        #expect(padded is SafetensorsFile)
        #expect(try open(Checkpoints.bytes("linear.pth")) is PyTorchArchive)
        #expect(try open(Checkpoints.bytes("stored.npz")) is NumPyFile)
        #expect(try open(Checkpoints.bytes("fortran.npy")) is NumPyFile)
    }

    /// The header's length may spell the first bytes of another format.
    @Test func aSafetensorsHeaderMayLookLikeAnotherFormat() throws {
        let object = "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
        let count = 0x8B1F  // the first two bytes of gzip
        let header = object + String(repeating: " ", count: count - object.utf8.count)
        #expect(try open(safetensors(header, data: 1)) is SafetensorsFile)
    }

    @Test func formatsWithoutKeysRefuseThem() throws {
        let plain = Safetensors.encode(["w": Tensor([1] as [Float], [1])])
        for bytes in [plain, try Checkpoints.bytes("stored.npz"), try Checkpoints.bytes("fortran.npy")] {
            #expect {
                try open(bytes, ["model"])
            } throws: {
                ($0 as? DataError)?.remedy == "leave the key path out"
            }
        }
    }

    @Test func otherFormatsAreNamedWithTheWayToConvertThem() throws {
        expectRefusal(
            "a PyTorch file of the format before 1.6", "torch.save(torch.load(F, weights_only=True), G)",
            try Checkpoints.bytes("legacy.pth"))
        // CVE-2025-32434 came through the reader of tar files; there is none here.
        var tar = [UInt8](repeating: 0, count: 1024)
        tar.replaceSubrange(0..<8, with: Array("sys_info".utf8))
        tar.replaceSubrange(257..<265, with: Array("ustar  \0".utf8))
        expectRefusal("a tar archive", "torch.save(torch.load(F, weights_only=True), G)", tar)
        expectRefusal("a Python pickle", "if you trust the file", [0x80, 4, 0x95] + [UInt8](repeating: 0, count: 20))
        expectRefusal("a Python pickle", "if you trust the file", [0x80, 2, 0x7D, 0x2E])
        expectRefusal("a gzip file", "unpack it", [0x1F, 0x8B, 8, 0])
        expectRefusal("an HDF5 file", "right file", [0x89] + Array("HDF\r\n\u{1A}\n".utf8))
        expectRefusal("a pointer of Git LFS", "git lfs pull", Array("version https://git-lfs.github.com/spec/v1".utf8))
        expectRefusal("an empty file", "again", [])
        expectRefusal("text", "right file", Array("<!DOCTYPE html>\n<title>404</title>".utf8))
        expectRefusal("other bytes", "right file", [1, 2, 3])
        expectRefusal("a TorchScript program", "state_dict()", try Checkpoints.bytes("script.pt"))
        expectRefusal("Python objects", "numpy.save", try Checkpoints.bytes("objects.npz"))
    }

    @Test func otherFilesAreRefusedByTheReadersOfOneFormat() throws {
        for name in ["fortran.npy", "legacy.pth"] {
            #expect(throws: DataError.self) { try PyTorchFile(path: Checkpoints.path(name)) }
        }
        for name in ["linear.pth", "legacy.pth"] {
            #expect(throws: DataError.self) { try NumPyFile(path: Checkpoints.path(name)) }
        }
        #expect(try NumPyFile(path: Checkpoints.path("stored.npz")).entries.count == 13)
        for open in [
            { _ = try PyTorchFile(path: $0) }, { _ = try NumPyFile(path: $0) }, { _ = try CheckpointArchive.open($0) },
        ] as [(String) throws -> Void] {
            #expect {
                try open(Checkpoints.path("none.pth"))
            } throws: {
                ($0 as? DataError)?.kind == .missing
            }
            #expect(throws: DataError.self) { try open(Checkpoints.folder) }
        }
    }

    /// A pipe is refused and not waited for.
    @Test func pipesAreRefused() throws {
        let path = NSTemporaryDirectory() + "dmt-\(UUID().uuidString)"
        try #require(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        #expect(throws: DataError.self) { try CheckpointArchive.open(path) }
    }

    @Test func wholeNumbersAreNoFloats() throws {
        let archive = try PyTorchFile(path: Checkpoints.path("dtypes.pth")).tensors()
        for name in ["F32", "F16", "BF16", "F64", "bf16_t", "special"] {
            #expect(try archive.floats(of: name).dtype == .f32)
        }
        for name in ["I32", "I8", "U8", "BOOL"] {
            #expect(throws: DataError.self) { try archive.floats(of: name) }
            _ = try archive.tensor(name)
        }
        let special = try archive.floats(of: "special").floats()
        #expect(special[0].isNaN && special[1] == .infinity && special[2].sign == .minus && special[3] == 0x1p-149)
    }
}
