import NeuralLayers
import Testing
import VisionBackbones

@Suite struct ViTVariantTests {
    /// Counts that timm gives for its models of these names.
    @Test(arguments: [("vit-tiny", 5_717_416), ("vit-small", 22_050_664), ("vit-base", 86_567_656)])
    func parametersWithAThousandClasses(_ name: String, _ count: Int) throws {
        let variant = try #require(ViTVariants.named(name))
        #expect(variant.configuration.parameterCount(classCount: 1000) == count)
    }

    /// The formula counts what the layers really hold.
    @Test func theFormulaEqualsTheLayers() {
        for configuration in [
            ViTVariants.all[0].configuration,
            ViTConfiguration(imageSize: 32, patchSize: 8, width: 36, depth: 3, headCount: 3, mlpRatio: 2.5),
        ] {
            let model = VisionTransformer(configuration, seed: 1)
            #expect(model.parameterCount == configuration.parameterCount())
        }
    }

    /// What fvcore 0.1.5 counts for timm's networks with unfused attention, as multiply-adds: convolution, linear layers,
    /// products of attention. It lists norms too (0.1 to 0.4 %), which are not counted here.
    @Test(arguments: [
        ("vit-tiny", 28_901_376 + 1_045_949_952 + 178_831_872), ("vit-small", 57_802_752 + 4_183_415_808 + 357_663_744),
        ("vit-base", 115_605_504 + 16_732_895_232 + 715_327_488),
        ("vit-large", 154_140_672 + 59_493_031_936 + 1_907_539_968),
    ])
    func flopsAreTwiceTheMultiplyAdds(_ name: String, _ multiplyAdds: Int) throws {
        let flops = try #require(ViTVariants.named(name)).configuration.flops(classCount: 1000)
        #expect(flops == 2 * Double(multiplyAdds))
    }

    @Test func flopsGrowWithThePicture() {
        let base = ViTVariants.all[2].configuration
        // Four times the patches: more than four times the work, because attention grows with their square.
        #expect(base.flops(at: 448) > 4 * base.flops(at: 224))
        #expect(base.flops(at: 448) < 5 * base.flops(at: 224))
    }

    @Test func unknownNamesAreNil() {
        #expect(ViTVariants.named("vit-huge") == nil)
        #expect(ViTVariants.names == ["vit-tiny", "vit-small", "vit-base", "vit-large"])
        #expect(ViTVariants.matching(ViTConfiguration(width: 384, headCount: 12))?.name == "vit-small")
        #expect(ViTVariants.matching(ViTConfiguration(width: 384, depth: 11, headCount: 6)) == nil)
    }
}
