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
    /// A file, its code base, and the tokens it must give: those of `native.safetensors` unless named.
    struct Layout: CustomTestStringConvertible, Sendable {
        let file: String
        let source: CheckpointSource
        var golden: String?

        init(_ file: String, _ source: CheckpointSource, golden: String? = nil) {
            self.file = file
            self.source = source
            self.golden = golden
        }

        var testDescription: String { file }
    }

    static let layouts =
        [CheckpointSource.mae, .maeLite, .mocov3, .ibot, .dino, .deit, .tinymim, .timm].map { Layout($0.rawValue, $0) }
        + [
            Layout("dinov2-chunked", .dinov2), Layout("g2sd-generic", .g2sd),
            Layout("g2sd-specific", .g2sd, golden: "g2sd-specific"), Layout("mmseg-vit", .mmseg),
            Layout("mmseg-beit", .mmseg, golden: "mmseg-beit"), Layout("mmseg-mae", .mmseg, golden: "mmseg-mae"),
        ]

    private func file(_ name: String) throws -> String {
        try #require(SourceCheckout.folder) + "/Tests/Fixtures/vit/\(name)"
    }

    private func file(_ layout: Layout) throws -> String { try file("\(layout.file)-layout.pth") }

    private func compare(_ model: VisionTransformer, _ layout: Layout) throws {
        let native = try Safetensors.load(try file("native.safetensors")).tensors
        let others = try Safetensors.load(try file("layouts-golden.safetensors")).tensors
        let tokens = model.tokens(of: Variable(native["images"]!), .evaluation)
        let first = tokens.classToken.reshaped([2, 1, model.width])
        let found = Variable.concatenated([first, tokens.patches], axis: 1)
        let expected = try #require(layout.golden.map { others[$0] } ?? native["tokens"])
        let comparison = Comparison(found.value.doubles(), expected.doubles(), tolerance: 1e-5)
        #expect(comparison.isWithinBounds, "\(comparison)")
    }

    @Test("what torch.save wrote loads and gives the golden features", arguments: layouts)
    func loads(layout: Layout) throws {
        try compare(try CheckpointFile.loadEncoder(try file(layout), source: layout.source, heads: 3).model, layout)
    }

    @Test("a converted checkpoint is a backbone's own file that says where it comes from", arguments: layouts)
    func converts(layout: Layout) throws {
        try withTemporaryFolder { folder in
            let out = folder + "/backbone.safetensors"
            var conversion = ModelConversion()
            conversion.source = layout.source
            conversion.heads = 3
            try conversion.run(try file(layout), to: out)
            let model = try ModelFile.loadBackbone(out)
            try compare(model, layout)
            let metadata = try Safetensors.load(out).metadata
            #expect(metadata["dmt.source"] == layout.source.rawValue)
            #expect(metadata["dmt.converted_from.sha256"]?.count == 64)
            #expect(throws: DataError.self) { try conversion.run(try file(layout), to: out) }
            // Another picture size is written into the table once, with its rule.
            guard model.configuration.block.relativeBiasSide == nil else { return }
            conversion.imageSize = 24
            let large = folder + "/large.safetensors"
            try conversion.run(try file(layout), to: large)
            let rule = layout.source.positionResize.rawValue
            #expect(try Safetensors.load(large).metadata["dmt.positions"] == "resized from 16 to 24, \(rule)")
            #expect(try ModelFile.loadBackbone(large).configuration.imageSize == 24)
        }
    }

    @Test("the report of a PyTorch file lists its tensors and tells the network", arguments: layouts)
    func report(layout: Layout) throws {
        let report = try ModelReport(try file(layout), imageSize: 16)
        #expect(report.format == "pytorch")
        #expect(report.architecture?.configuration.width == 24 && report.architecture?.configuration.depth == 2)
    }

    @Test("a table of relative positions tells the number of heads; otherwise the source must have a rule")
    func heads() throws {
        let beit = try CheckpointFile.loadEncoder(try file("mmseg-beit-layout.pth"), source: .mmseg).model
        #expect(beit.headCount == 3 && beit.configuration.position == .none && !beit.configuration.hasFinalNorm)
        let mae = try CheckpointFile.loadEncoder(try file("mmseg-mae-layout.pth"), source: .mmseg).model
        #expect(mae.configuration.block.relativeBiasSide == 4 && mae.configuration.position == .learned)
        let specific = try CheckpointFile.loadEncoder(try file("g2sd-specific-layout.pth"), source: .g2sd, heads: 3)
        #expect(specific.model.configuration.registerCount == 1)
        let error = #expect(throws: DataError.self) {
            try CheckpointFile.loadEncoder(try file("tinymim-layout.pth"), source: .tinymim)
        }
        #expect(error?.found == "width 24 with --source tinymim" && error?.remedy.contains("--heads") == true)
    }

    @Test(
        "the wrong source gives one error that names the right ones",
        arguments: [
            ("mmseg-beit", CheckpointSource.beit, "--source mmseg"), ("mmseg-vit", .mae, "--source mmseg"),
            ("mocov3", .tinymim, "--source mocov3"), ("dinov2-chunked", .g2sd, "dinov2"),
            ("mae-lite", .timm, "--source mae-lite"),
        ])
    func wrongSource(name: String, source: CheckpointSource, remedy: String) throws {
        let error = #expect(throws: DataError.self) {
            try CheckpointFile.loadEncoder(try file("\(name)-layout.pth"), source: source, heads: 3)
        }
        #expect(error?.kind == .malformed && error?.remedy.contains(remedy) == true, "\(error!)")
    }

    @Test("where the names of two sources begin alike, all that is foreign is listed")
    func similarSource() throws {
        func found(_ name: String, _ source: CheckpointSource) throws -> String {
            let error = #expect(throws: DataError.self) {
                try CheckpointFile.loadEncoder(try file("\(name)-layout.pth"), source: source, heads: 3)
            }
            return error?.found ?? ""
        }
        let predictors = try found("g2sd-generic", .mae)
        #expect(
            predictors.hasPrefix("8 misfit(s): ") && predictors.contains("encoderfeature_pred.fc1.bias: unexpected"))
        let chunks = try found("dinov2-chunked", .dino)
        #expect(chunks.contains("blocks.0.norm1.weight: missing"))
        #expect(chunks.contains("misfit(s)") && chunks.hasSuffix(", …"))
    }

    @Test(
        "relative positions of one size refuse another; weights that are no numbers are named; foreign files are told apart"
    )
    func refusals() throws {
        try withTemporaryFolder { folder in
            let beit = try file("beit.safetensors")
            let model = try CheckpointFile.loadEncoder(beit, source: .beit, heads: 3).model
            let own = folder + "/own.safetensors"
            try ModelFile.save(model, to: own)
            #expect(try ModelFile.loadBackbone(own).configuration == model.configuration)
            try Folder.create(folder + "/images")
            try AtomicFile.write(
                PNGFile.encode(InspectionFixture.picture(16, 16, salt: 1)), to: folder + "/images/a.png")
            var options = CommandSession.Options()
            options.isQuiet = true
            var pictures = ComponentPictures(checkpoint: own, images: folder + "/images", out: folder + "/o")
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

            let foreign = try file("mae-layout.pth")
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
            let (images, components, attention) = (folder + "/images", folder + "/pca", folder + "/attention")
            _ = try ComponentPictures(checkpoint: backbone, images: images, out: components).run(
                CommandSession(options))
            _ = try TokenPictures(checkpoint: backbone, images: images, out: attention).run(CommandSession(options))
            for (out, panels) in [(components, 2), (attention, 4)] {
                for name in ["a", "b"] {
                    let picture = try PNGFile.decodePicture(
                        FileBytes.read("\(out)/\(name).png", limit: 1 << 20), file: name)
                    #expect((picture.height, picture.width) == (64, 64 * panels))
                }
            }
        }
    }
}
