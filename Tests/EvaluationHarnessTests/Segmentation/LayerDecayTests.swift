import NeuralLayers
import Testing
import VisionBackbones

@testable import EvaluationHarness

@Suite("Layer decay and model files") struct LayerDecayTests {
    @Test(
        "the rate of each layer is the published power of the base",
        arguments: [
            ("backbone.cls_token", 0), ("backbone.pos_embed", 0), ("backbone.patch_embed.proj.weight", 0),
            ("backbone.blocks.0.norm1.weight", 1), ("backbone.blocks.11.mlp.fc2.bias", 12),
            ("backbone.norm.weight", 13), ("decode_head.conv_seg.weight", 13), ("neck.upsample_2x.0.weight", 13),
        ])
    func layers(name: String, layer: Int) {
        let decay = LayerDecay(depth: 12, rate: 0.65)
        #expect(decay.layer(of: name) == layer)
        var power = 1.0
        for _ in layer..<13 { power *= 0.65 }
        #expect(abs(decay.scale(of: name) - power) < 1e-15)
    }

    @Test("the patch projection of a ViT-B learns at 0.0037 of the base rate")
    func published() {
        let scale = LayerDecay(depth: 12, rate: 0.65).scale(of: "backbone.patch_embed.proj.weight")
        #expect(abs(scale - 0.0037) < 0.00005)
    }

    @Test("groups hold every trainable parameter once, biases and norms without decay")
    func groups() throws {
        let model = try SegmentationModel(
            backbone: DrawnScenes.backbone(), architecture: SegmentationArchitecture(), seed: 0)
        let groups = LayerDecay(depth: 4, rate: 0.5).groups(model, weightDecay: 0.05)
        let scales = Set(groups.map(\.learningRateScale))
        #expect(scales == [1, 0.5, 0.25, 0.125, 0.0625, 0.03125])
        let parameters = groups.flatMap(\.parameters)
        #expect(Set(parameters.map { ObjectIdentifier($0) }).count == parameters.count)
        #expect(parameters.count == model.parameters.count { $0.isTrainable })
        for group in groups {
            for parameter in group.parameters {
                #expect(group.weightDecay == (parameter.shape.count > 1 ? 0.05 : 0))
            }
        }
    }

    @Test("taps lie at equal distances and end with the last block")
    func taps() {
        #expect(VisionTransformer.evenTaps(depth: 12) == [2, 5, 8, 11])
        #expect(VisionTransformer.evenTaps(depth: 4) == [0, 1, 2, 3])
        #expect(VisionTransformer.evenTaps(depth: 24) == [5, 11, 17, 23])
    }

    @Test("a backbone file round-trips in f32 bit by bit, in bf16 to its precision")
    func files() throws {
        try withTemporaryFolder { folder in
            let backbone = DrawnScenes.backbone()
            try ModelFile.save(backbone, to: folder + "/a.safetensors")
            let same = try ModelFile.loadBackbone(folder + "/a.safetensors")
            #expect(same.configuration == backbone.configuration)
            let values = backbone.patchEmbedding.projection.weight.value.floats()
            #expect(same.patchEmbedding.projection.weight.value.floats() == values)
            try ModelFile.save(backbone, to: folder + "/b.safetensors", dtype: .bf16)
            let short = try ModelFile.loadBackbone(folder + "/b.safetensors")
            let rounded = short.patchEmbedding.projection.weight.value.floats()
            #expect(zip(rounded, values).allSatisfy { abs($0 - $1) <= abs($1) / 256 })
            #expect(rounded != values)
        }
    }
}
