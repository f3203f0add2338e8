import Autograd
import CheckpointIO
import DenseData
import EvaluationHarness
import Foundation
import ImageFiles
import NeuralLayers
import SafeFiles
import TensorCore
import TestSupport
import Testing
import VisionBackbones

/// Encoders in the files that PyTorch writes for each code base: `Tests/Fixtures/vit/make_layouts.py`.
@Suite struct PublishedLayoutTests {
    static let sources: [CheckpointSource] = [.mae, .mocov3, .ibot, .dino, .deit, .timm]

    private func file(_ source: CheckpointSource) throws -> String {
        try #require(SourceCheckout.folder) + "/Tests/Fixtures/vit/\(source.rawValue)-layout.pth"
    }

    private func golden() throws -> [String: Tensor] {
        try Safetensors.load(try #require(SourceCheckout.folder) + "/Tests/Fixtures/vit/native.safetensors").tensors
    }

    private func compare(_ model: VisionTransformer, _ expected: [String: Tensor]) {
        let tokens = model.tokens(of: Variable(expected["images"]!), .evaluation)
        let first = tokens.classToken.reshaped([2, 1, model.width])
        let found = Variable.concatenated([first, tokens.patches], axis: 1)
        let comparison = Comparison(found.value.doubles(), expected["tokens"]!.doubles(), tolerance: 1e-5)
        #expect(comparison.isWithinBounds, "\(comparison)")
    }

    @Test("what torch.save wrote loads and gives the golden features", arguments: sources)
    func loads(source: CheckpointSource) throws {
        compare(try CheckpointFile.loadEncoder(try file(source), source: source, heads: 3).model, try golden())
    }

    @Test("a converted checkpoint is a backbone's own file that says where it comes from", arguments: sources)
    func converts(source: CheckpointSource) throws {
        try withTemporaryFolder { folder in
            let out = folder + "/backbone.safetensors"
            var conversion = ModelConversion()
            conversion.source = source
            conversion.heads = 3
            try conversion.run(try file(source), to: out)
            compare(try ModelFile.loadBackbone(out), try golden())
            let metadata = try Safetensors.load(out).metadata
            #expect(metadata["dmt.source"] == source.rawValue)
            #expect(metadata["dmt.converted_from.sha256"]?.count == 64)
            // Another picture size is written into the table once, with its rule.
            conversion.imageSize = 24
            let large = folder + "/large.safetensors"
            try conversion.run(try file(source), to: large)
            let rule = source.positionResize.rawValue
            #expect(try Safetensors.load(large).metadata["dmt.positions"] == "resized from 16 to 24, \(rule)")
            #expect(try ModelFile.loadBackbone(large).configuration.imageSize == 24)
            #expect(throws: DataError.self) { try conversion.run(try file(source), to: out) }
        }
    }

    @Test("the report of a PyTorch file lists its tensors and tells the network", arguments: sources)
    func report(source: CheckpointSource) throws {
        let report = try ModelReport(try file(source), imageSize: 16)
        #expect(report.format == "pytorch")
        #expect(report.architecture?.configuration.width == 24 && report.architecture?.configuration.depth == 2)
    }

    @Test(
        "relative positions of one size refuse another; weights that are no numbers are named; foreign files are told apart"
    )
    func refusals() throws {
        try withTemporaryFolder { folder in
            let beit = try #require(SourceCheckout.folder) + "/Tests/Fixtures/vit/beit.safetensors"
            let model = try CheckpointFile.loadEncoder(beit, source: .beit, heads: 3).model
            let own = folder + "/own.safetensors"
            try ModelFile.save(model, to: own)
            #expect(try ModelFile.loadBackbone(own).configuration == model.configuration)
            try Folder.create(folder + "/images")
            try AtomicFile.write(
                PNGFile.encode(InspectionFixture.picture(16, 16, salt: 1)), to: folder + "/images/a.png")
            var options = CommandSession.Options()
            options.isQuiet = true
            var pictures = TokenPictures(
                kind: .components, checkpoint: own, images: folder + "/images", out: folder + "/o")
            pictures.size = 32
            let size = #expect(throws: DataError.self) { try pictures.run(CommandSession(options)) }
            #expect(size?.kind == .configuration && size?.expected.hasPrefix("16, the size") == true)

            var broken = model.state()
            broken["blocks.1.norm2.bias"] = Tensor([Float](repeating: .nan, count: 24), [24])
            try Safetensors.write(broken, to: folder + "/nan.safetensors")
            let nan = #expect(throws: DataError.self) {
                try CheckpointFile.loadEncoder(folder + "/nan.safetensors", source: .beit, heads: 3)
            }
            #expect(nan?.found.contains("blocks.1.norm2.bias") == true)

            let foreign = try file(.mae)
            let error = #expect(throws: DataError.self) { try ModelFile.loadBackbone(foreign) }
            #expect(error?.remedy.contains("dmt model convert") == true)
        }
    }

    @Test("pictures of components and attention are written for each picture")
    func pictures() throws {
        try withTemporaryFolder { folder in
            let backbone = folder + "/backbone.safetensors"
            try ModelFile.save(DrawnScenes.backbone(), to: backbone)
            try Folder.create(folder + "/images")
            for name in ["a", "b"] {
                try AtomicFile.write(
                    PNGFile.encode(InspectionFixture.picture(64, 64, salt: name.utf8.first!)),
                    to: "\(folder)/images/\(name).png")
            }
            var options = CommandSession.Options()
            options.isQuiet = true
            for (kind, panels) in [(TokenPictures.Kind.components, 2), (.attention, 4)] {
                let out = "\(folder)/\(kind.rawValue)"
                _ = try TokenPictures(kind: kind, checkpoint: backbone, images: folder + "/images", out: out)
                    .run(CommandSession(options))
                for name in ["a", "b"] {
                    let picture = try PNGFile.decodePicture(
                        FileBytes.read("\(out)/\(name).png", limit: 1 << 20), file: name)
                    #expect((picture.height, picture.width) == (64, 64 * panels))
                }
            }
        }
    }
}
