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

    /// fvcore counts 17.56 · 10⁹ multiply-adds for ViT-B/16 at 224; DeiT's paper gives 1.3, 4.6 and 17.6. Three digits
    /// are compared: it also counts norms, which are half a percent of the smallest.
    @Test(arguments: [("vit-tiny", 1.26e9), ("vit-small", 4.61e9), ("vit-base", 17.56e9)])
    func flopsAreTwiceTheMultiplyAdds(_ name: String, _ multiplyAdds: Double) throws {
        let flops = try #require(ViTVariants.named(name)).configuration.flops(classCount: 1000)
        #expect(abs(flops / (2 * multiplyAdds) - 1) < 0.008, "\(flops)")
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
