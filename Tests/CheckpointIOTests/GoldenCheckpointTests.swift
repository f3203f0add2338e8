import Foundation
import JSONText
import SafeFiles
import Testing

@testable import CheckpointIO

/// Files that PyTorch and NumPy wrote; `Tests/Fixtures/checkpoints/make_checkpoints.py` made them and the answers of
/// `torch.load(weights_only=True)`.
enum Checkpoints {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/checkpoints").path

    static func path(_ name: String) -> String { "\(folder)/\(name)" }

    static func bytes(_ name: String) throws -> [UInt8] { try FileBytes.read(path(name), limit: 1 << 20) }

    /// A JSON object of strings.
    static func answers(_ path: String) throws -> [(name: String, text: String)] {
        guard case .object(let members) = try JSONValue.parse(FileBytes.read(path, limit: 64 << 20), file: path) else {
            return []
        }
        return members.compactMap { name, value in
            guard case .string(let text) = value else { return nil }
            return (name, text)
        }
    }
}

@Suite struct GoldenCheckpointTests {
    private func compare(folder: String) throws -> Int {
        let answers = try Checkpoints.answers(folder + "/answers.json")
        for (name, expected) in answers {
            let file = try PyTorchFile(path: "\(folder)/\(name)")
            let found = try describe(file.value, file)
            #expect(found == expected, "\(name)")
        }
        return answers.count
    }

    @Test func checkpointsHoldWhatPyTorchReads() throws {
        #expect(try compare(folder: Checkpoints.folder) == 26)
    }

    /// 200 drawn checkpoints, made by the generator with the same variable set.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["DMT_PTH_CASES"] != nil))
    func drawnCheckpointsHoldWhatPyTorchReads() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["DMT_PTH_CASES"])
        #expect(try compare(folder: folder) == 200)
    }

    /// The way each published layout is opened.
    @Test(arguments: [
        ("mae.pth", ["model"], "patch_embed.proj.weight"),
        ("mocov3.pth.tar", ["state_dict"], "module.base_encoder.patch_embed.proj.weight"),
        ("ibot.pth", ["teacher"], "backbone.patch_embed.proj.weight"),
        ("ibot.pth", ["student"], "module.backbone.patch_embed.proj.weight"),
    ])
    func publishedLayoutsOpen(_ name: String, _ keyPath: [String], _ tensor: String) throws {
        let archive = try CheckpointArchive.open(Checkpoints.path(name), keyPath: keyPath)
        #expect(archive.entries.count == 6)
        #expect(archive.find(tensor)?.shape == [6, 3, 2, 2])
        #expect(try archive.floats(of: tensor).isFinite)
        let all = try archive.tensors(where: { !$0.hasSuffix("pos_embed") })
        #expect(all.count == 5 && all[tensor]?.shape == [6, 3, 2, 2])
        #expect(throws: DataError.self) { try CheckpointArchive.open(Checkpoints.path(name)) }
    }

    @Test func plainStateDictsNeedNoKeys() throws {
        let archive = try CheckpointArchive.open(Checkpoints.path("linear.pth"))
        #expect(archive.entries.map(\.name) == ["weight", "bias"])
        let file = try PyTorchFile(path: Checkpoints.path("mae.pth"))
        #expect(file.tensorDicts == [["model"]])
        guard case .opaque(let namespace)? = file.value["args"], case .string("vit_tiny")? = namespace.state?["model"]
        else {
            Issue.record("no Namespace with a model")
            return
        }
    }

    @Test(arguments: ["stored.npz", "deflated.npz"])
    func arraysHoldWhatNumPyWrote(_ name: String) throws {
        let archive = try CheckpointArchive.open(Checkpoints.path(name))
        let answers = try Checkpoints.answers(Checkpoints.path("arrays.json"))
        #expect(answers.count == 13 && Set(archive.entries.map(\.name)) == Set(answers.map(\.name)))
        for (name, expected) in answers {
            let entry = try archive.entry(name)
            #expect(describe(entry.type, entry.shape, try archive.bytes(of: name)) == expected, "\(name)")
        }
    }

    @Test func aSingleArrayIsRead() throws {
        let archive = try CheckpointArchive.open(Checkpoints.path("fortran.npy"))
        let expected = try Checkpoints.answers(Checkpoints.path("arrays.json")).first { $0.name == "fortran" }?.text
        #expect(describe(.f32, [3, 4, 5], try archive.bytes(of: "arr_0")) == expected)
    }
}
