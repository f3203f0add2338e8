import Autograd
import CheckpointIO
import DenseData
import EvaluationHarness
import Foundation
import ImageFiles
import NeuralLayers
import SafeFiles
import TensorCore
import Testing
import VisionBackbones

@Suite struct FeatureInspectionTests {
    @Test func tokensAreThoseOfTheModel() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            let file = try fixture.checkpoint("timm", extra: ["head.weight": .zeros([10, 64])])
            let inspection = FeatureInspection(
                checkpoint: file, source: .timm, images: fixture.images, size: 16, out: folder + "/out.safetensors")
            let outcome = try inspection.run(fixture.session())
            #expect(outcome.tensorNames == ["a.tokens", "b.tokens", "c.tokens"] && outcome.shape == [5, 64])
            let written = try Safetensors.load(outcome.out)
            #expect(written.tensors.keys.sorted() == outcome.tensorNames)
            #expect(written.metadata == outcome.metadata)
            #expect(written.metadata["dmt.position_resize"] == "none")
            #expect(written.metadata["dmt.picture_resize"]?.hasPrefix("1 pictures: short side") == true)
            #expect(written.metadata["dmt.checkpoint.sha256"]?.count == 64)
            let picture = InspectionFixture.picture(16, 16, salt: UInt8(ascii: "c"))
            let tokens = fixture.model.tokens(of: Variable(Normalisation.imageNet.batch([picture])), .evaluation)
            let found = try #require(written.tensors["c.tokens"]).floats()
            let expected = tokens.classToken.value.floats() + tokens.patches.value.floats()
            #expect(found.count == 5 * 64 && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 })
            #expect(written.tensors["a.tokens"]!.floats() != found)
        }
    }

    /// Every source's own layout of one encoder gives the same tokens.
    @Test func layoutsOfAllSourcesGiveTheSameTokens() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            let decoder = ["mask_token": Tensor.zeros([1, 1, 32]), "decoder_embed.weight": .zeros([32, 64])]
            let momentum = ["module.momentum_encoder.cls_token": Tensor.zeros([1, 1, 64])]
            let files: [(CheckpointSource, String)] = [
                (.mae, try fixture.checkpoint("mae", extra: decoder)),
                (.mocov3, try fixture.checkpoint("moco", prefix: "module.base_encoder.", extra: momentum)),
                (.ibot, try fixture.checkpoint("ibot", extra: ["masked_embed": .zeros([1, 64])])),
                (.dino, try fixture.checkpoint("dino", prefix: "teacher.backbone.")),
                (.timm, try fixture.checkpoint("timm")),
            ]
            var bytes: [[Float]] = []
            for (source, file) in files {
                let out = "\(folder)/\(source.rawValue).out.safetensors"
                _ = try FeatureInspection(checkpoint: file, source: source, images: fixture.images, size: 16, out: out)
                    .run(fixture.session())
                bytes.append(try Safetensors.load(out).tensors["b.tokens"]!.floats())
                // On another grid the sources differ: DINO's code and its descendants add 0.1 to the size.
                let large = "\(folder)/\(source.rawValue).large.safetensors"
                _ = try FeatureInspection(
                    checkpoint: file, source: source, images: fixture.images, size: 24, out: large
                ).run(fixture.session())
                let rule = try Safetensors.load(large).metadata["dmt.position_resize"]
                #expect(rule?.hasPrefix("bicubic from 2 to 3 a side") == true)
                #expect(rule?.hasSuffix("0.1 added to the size") == [.ibot, .dino].contains(source))
            }
            #expect(bytes[0].count == 5 * 64 && bytes.allSatisfy { $0 == bytes[0] })
        }
    }

    @Test func roundedProductsAreCloseButNotEqual() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            var inspection = FeatureInspection(
                checkpoint: try fixture.checkpoint("timm"), source: .timm, images: fixture.images, size: 16,
                out: folder + "/f32.safetensors")
            let full = try Safetensors.load(inspection.run(fixture.session()).out).tensors["a.tokens"]!
            inspection.precision = .bf16
            inspection.out = folder + "/bf16.safetensors"
            let rounded = try Safetensors.load(inspection.run(fixture.session()).out).tensors["a.tokens"]!
            #expect(rounded.dtype == .f32 && full.floats() != rounded.floats())
            #expect(zip(full.floats(), rounded.floats()).allSatisfy { abs($0 - $1) < 0.1 })
        }
    }

    @Test func whatDoesNotFitIsRefusedWithARemedy() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            func failure(_ file: String, _ source: CheckpointSource, size: Int = 16) throws -> DataError? {
                do {
                    _ = try FeatureInspection(
                        checkpoint: file, source: source, images: fixture.images, size: size, out: folder + "/no"
                    ).run(fixture.session())
                    return nil
                } catch let error as DataError { return error }
            }
            let zip = folder + "/teacher.pth"
            try Data([0x50, 0x4B, 3, 4, 0, 0, 0, 0, 0]).write(to: URL(fileURLWithPath: zip))
            let pth = try #require(try failure(zip, .mae))
            #expect(pth.kind == .malformed && pth.file == zip)
            #expect(try failure(folder + "/none.safetensors", .mae)?.kind == .missing)
            let moco = try fixture.checkpoint("m", prefix: "module.base_encoder.")
            #expect(try #require(try failure(moco, .mae)).remedy.contains("mocov3"))
            let strange = try fixture.checkpoint("s", extra: ["pre_norm.weight": .zeros([64])])
            #expect(try #require(try failure(strange, .timm)).found.contains("pre_norm.weight: unexpected"))
            let whole = try fixture.checkpoint("whole")
            #expect(try failure(whole, .timm, size: 20)?.kind == .configuration)
            var integer = fixture.model.state()
            integer["norm.weight"] = Tensor([Int32](repeating: 1, count: 64), [64])
            try Safetensors.write(integer, to: folder + "/int.safetensors")
            #expect(
                try #require(try failure(folder + "/int.safetensors", .timm)).found.contains("norm.weight: type I32"))
            try InspectionFixture.write(InspectionFixture.picture(16, 16, salt: 1), to: fixture.images + "/a.jpg")
            #expect(try #require(try failure(whole, .timm)).found.contains("a.jpg"))
            #expect(!FileManager.default.fileExists(atPath: folder + "/no"))
        }
    }

    @Test func headsMayBeNamed() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            let file = try fixture.checkpoint("timm")
            #expect(try CheckpointFile.loadEncoder(file, source: .timm).model.headCount == 1)
            #expect(try CheckpointFile.loadEncoder(file, source: .timm, heads: 4).model.headCount == 4)
            #expect(throws: DataError.self) { try CheckpointFile.loadEncoder(file, source: .timm, heads: 5) }
        }
    }
}
