import Foundation
import Testing

/// The built program on large and on bad checkpoints, from the outside: exit codes, messages and memory.
@Suite(.enabled(if: SourceCheckout.program != nil, "skipped: no built dmt beside the tests"))
struct CheckpointCommandTests {
    private func dmt(_ arguments: [String], megabytes: Int = 4096) throws -> BuiltProgram.Outcome {
        try BuiltProgram.run(arguments, megabytes: megabytes)
    }

    /// A ViT in the safetensors format whose numbers are a hole: its header, then as many bytes as it says.
    private func sparse(_ path: String, width: Int, depth: Int) throws -> Int {
        var shapes: [(String, [Int])] = [
            ("cls_token", [1, 1, width]), ("pos_embed", [1, 5, width]), ("patch_embed.proj.weight", [width, 3, 8, 8]),
            ("patch_embed.proj.bias", [width]), ("norm.weight", [width]), ("norm.bias", [width]),
        ]
        for block in 0..<depth {
            for (name, outputs, inputs) in [
                ("attn.qkv", 3 * width, width), ("attn.proj", width, width), ("mlp.fc1", 4 * width, width),
                ("mlp.fc2", width, 4 * width), ("norm1", width, 0), ("norm2", width, 0),
            ] {
                shapes.append(("blocks.\(block).\(name).weight", inputs == 0 ? [outputs] : [outputs, inputs]))
                shapes.append(("blocks.\(block).\(name).bias", [outputs]))
            }
        }
        var end = 0
        let entries = shapes.map { name, shape in
            let start = end
            end += 4 * shape.reduce(1, *)
            return "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}"
        }
        let header = Array("{\(entries.joined(separator: ","))}".utf8)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
        try Data(length + header).write(to: URL(fileURLWithPath: path))
        try #require(truncate(path, off_t(8 + header.count + end)) == 0)
        return end
    }

    @Test("a checkpoint of more than 1 GB opens within 100 MB")
    func opens() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/large.safetensors"
            #expect(try sparse(file, width: 1024, depth: 21) > 1_000_000_000)
            let info = try dmt(["model", "info", file], megabytes: 100)
            #expect(info.code == 0, "\(info.err)")
        }
    }

    /// The allocator rounds blocks up by an eighth at most; twice the file would be far above the limit.
    @Test("an encoder is loaded without holding its file twice")
    func loads() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/encoder.safetensors"
            let bytes = try sparse(file, width: 768, depth: 9)
            try FileManager.default.createDirectory(atPath: folder + "/images", withIntermediateDirectories: true)
            try InspectionFixture.write(InspectionFixture.picture(16, 16, salt: 1), to: folder + "/images/a.png")
            let limit = bytes / 1_000_000 * 9 / 8 + 100
            #expect(limit < 2 * bytes / 1_000_000)
            let run = try dmt(
                [
                    "inspect", "features", "--checkpoint", file, "--source", "mae", "--images", folder + "/images",
                    "--size", "16", "--threads", "1", "--out", folder + "/out.safetensors",
                ], megabytes: limit)
            #expect(run.code == 0, "\(run.err)")
        }
    }

    @Test("bad files end every command with 65, absent ones with 66, in one line that names the file")
    func exitCodes() throws {
        try withTemporaryFolder { folder in
            let scenes = folder + "/scenes"
            let drawn = try dmt([
                "data", "scenes", "--out", scenes, "--train", "24", "--val", "20", "--size", "48", "-q",
            ])
            #expect(drawn.code == 0, "\(drawn.err)")
            let layout = try #require(SourceCheckout.folder) + "/Tests/Fixtures/vit/mocov3-layout.pth"
            try write("no checkpoint", to: folder + "/text.pth")
            for (file, code) in [
                (folder + "/text.pth", Int32(65)), (folder, 65), (layout, 65), (folder + "/nothing.pth", 66),
            ] {
                let commands = [
                    ["model", "info", file],
                    ["model", "convert", file, folder + "/out.safetensors", "--source", "mae"],
                    [
                        "eval", "knn", "--data", scenes, "--checkpoint", file, "--source", "mae", "--out",
                        folder + "/runs",
                    ],
                ]
                for command in commands where file != layout || command[1] != "info" {
                    let run = try dmt(command)
                    let lines = run.err.split(separator: "\n").filter { $0.hasPrefix("dmt: ") }
                    #expect(run.code == code, "\(command): \(run.err)")
                    #expect(lines.count == 1 && lines[0].contains(file), "\(command): \(run.err)")
                }
            }
            #expect(!FileManager.default.fileExists(atPath: folder + "/out.safetensors"))
        }
    }
}
