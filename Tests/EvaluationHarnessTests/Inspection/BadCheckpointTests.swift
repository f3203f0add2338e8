import CheckpointIO
import EvaluationHarness
import Foundation
import SafeFiles
import TensorCore
import Testing
import VisionBackbones

/// What is no encoder, or no file at all: one message that tells all of it, and nothing is loaded.
@Suite struct BadCheckpointTests {
    private static let fixtures = (SourceCheckout.folder ?? "") + "/Tests/Fixtures"

    private func weights() throws -> [String: Tensor] {
        try Safetensors.load(Self.fixtures + "/vit/tiny.safetensors").tensors
    }

    /// The error of loading these tensors as one source's, MAE's unless named.
    private func refusal(_ tensors: [String: Tensor], _ source: CheckpointSource = .mae) throws -> DataError {
        try withTemporaryFolder { folder in
            let file = folder + "/bad.safetensors"
            try Safetensors.write(tensors, to: file)
            let error = #expect(throws: DataError.self) {
                try CheckpointFile.loadEncoder(file, source: source, heads: 3)
            }
            #expect(error?.kind == .malformed && error?.file == file)
            return try #require(error)
        }
    }

    @Test func anotherArchitectureIsTold() throws {
        let resNet = ["conv1.weight": Tensor.zeros([8, 3, 7, 7]), "bn1.weight": .zeros([8]), "fc.bias": .zeros([5])]
        let error = try refusal(resNet)
        #expect(error.expected == "a ViT of mae, with 'patch_embed.proj.weight'")
        #expect(error.found == "no such name among 3: 'bn1.weight', 'conv1.weight', 'fc.bias'")
        #expect(try refusal([:]).found == "no tensors")
    }

    @Test func missingExtraMisshapedAndIntegerTensorsStandInOneMessage() throws {
        var tensors = try weights()
        for name in ["norm.bias", "blocks.1.attn.qkv.weight", "blocks.0.norm2.bias"] { tensors[name] = nil }
        tensors["pos_embed"] = .zeros([1, 15, 24])
        tensors["blocks.0.attn.proj.weight"] = .zeros([24, 23])
        tensors["blocks.0.mlp.fc1.weight"] = .zeros([48, 25])
        tensors["blocks.1.norm1.weight"] = Tensor(uninitialized: [24], .i32)
        tensors["extra.weight"] = .zeros([3])
        let error = try refusal(tensors)
        #expect(error.expected == "the names, shapes and types of a plain ViT")
        #expect(error.found.hasPrefix("8 misfit(s): "), "\(error.found)")
        for one in [
            "blocks.1.norm1.weight: type I32 for a floating type", "blocks.0.norm2.bias: missing",
            "blocks.1.attn.qkv.weight: missing", "norm.bias: missing", "extra.weight: unexpected",
            "pos_embed: shape [1, 15, 24] for (1, 1 + side², 24) or (1, side², 24)",
            "blocks.0.attn.proj.weight: shape [24, 23] for [24, 24]",
            "blocks.0.mlp.fc1.weight: shape [48, 25] for (hidden, 24)",
        ] { #expect(error.found.contains(one), "\(one) in \(error.found)") }
    }

    @Test func longListsAreCutAndCounted() throws {
        var tensors = try weights()
        for index in 0..<60 { tensors["extra.\(index)"] = .zeros([2]) }
        let error = try refusal(tensors)
        #expect(error.found.hasPrefix("60 misfit(s): extra.0: unexpected, ") && error.found.hasSuffix(", …"))
        #expect(error.found.components(separatedBy: ": unexpected").count == 21)
        let integers = try refusal(try weights().mapValues { Tensor(uninitialized: $0.shape, .i32) })
        #expect(integers.found.hasPrefix("30 misfit(s): ") && integers.found.contains("type I32"))
    }

    /// Two names of one part: neither may win in silence.
    @Test func onePartUnderTwoNamesIsRefused() throws {
        var tensors = try weights()
        tensors["blocks.0.1.norm1.weight"] = .zeros([24])
        let error = try refusal(tensors, .dinov2)
        #expect(error.found.hasPrefix("1 misfit(s): ") && error.found.contains(": the same part as "))
    }

    @Test func aWholeBlockMissingIsListedByItsTensors() throws {
        let error = try refusal(try weights().filter { !$0.key.hasPrefix("blocks.0.") || $0.key.contains("mlp") })
        #expect(error.found.contains("blocks.0.norm1.weight: missing"))
        #expect(error.found.contains("blocks.0.attn.proj.bias: missing"))
    }

    @Test(arguments: [DType.f32, .f64, .bf16])
    func numbersThatAreNoneAreNamed(_ type: DType) throws {
        var tensors = try weights()
        tensors["norm.weight"] = Tensor([Float](repeating: .infinity, count: 24), [24])
        tensors["blocks.1.norm2.bias"] = Tensor([Float](repeating: .nan, count: 24), [24])
        let error = try refusal(tensors.mapValues { $0.converted(to: type) })
        #expect(error.found == "NaN or infinity in 2 tensor(s): blocks.1.norm2.bias, norm.weight")
    }

    @Test(
        "a file cut anywhere is refused in one error",
        arguments: ["vit/tiny.safetensors", "vit/mae-layout.pth", "checkpoints/stored.npz", "checkpoints/deflated.npz"])
    func cut(name: String) throws {
        let whole = try FileBytes.read(Self.fixtures + "/" + name, limit: 1 << 20)
        try withTemporaryFolder { folder in
            let file = folder + "/cut"
            for count in Array(stride(from: 1, to: whole.count, by: max(1, whole.count / 50))) + [whole.count - 1] {
                try AtomicFile.write(Array(whole[..<count]), to: file, durability: .renamed)
                let error = #expect(throws: DataError.self) { try CheckpointFile.open(file) }
                #expect(error?.kind == .malformed && error?.file == file, "\(name) of \(count) bytes")
            }
        }
    }

    @Test(
        "what is no checkpoint is called by its name",
        arguments: [
            ([], "an empty file"), (Array("no checkpoint at all\n".utf8), "text"),
            ([0, 0, 0, 0, 0, 0, 0, 16, 0x7B, 0x7D], "a header length of 1152921504606846976"),
        ] as [([UInt8], String)])
    func noCheckpoint(bytes: [UInt8], found: String) throws {
        try withTemporaryFolder { folder in
            let file = folder + "/x.pth"
            try AtomicFile.write(bytes, to: file, durability: .renamed)
            let error = #expect(throws: DataError.self) { try CheckpointFile.loadEncoder(file, source: .mae) }
            #expect(error?.kind == .malformed && error?.found == found)
        }
    }

    @Test func foldersAndAbsentFilesAreToldApart() throws {
        try withTemporaryFolder { folder in
            let place = #expect(throws: DataError.self) { try CheckpointFile.loadEncoder(folder, source: .mae) }
            #expect(place?.kind == .malformed && place?.found == "a folder or device")
            let absent = #expect(throws: DataError.self) { try CheckpointFile.loadEncoder(folder + "/x", source: .mae) }
            #expect(absent?.kind == .missing && absent?.found == "no file")
        }
    }
}
