import SafeFiles
import Testing

@testable import EvaluationHarness

struct ClassificationSettingsTests {
    private func settings(_ overrides: [String]) throws -> ClassificationSettings {
        let recipe = try shippedLibrary().load("classify-scenes", overrides: overrides)
        return try ClassificationSettings(recipe.reader(), seed: 0)
    }

    @Test func thePlainRecipeMixesNothing() throws {
        let settings = try settings([])
        #expect(settings.mixing.isPlain && settings.randAugment == nil && settings.erasing.probability == 0)
        #expect(settings.tuning.fall == .linear)
        #expect(!settings.protocolEntries.contains { $0.0 == "training pictures" })
    }

    @Test func regularisersStandInTheProtocol() throws {
        let settings = try settings([
            "+views.rand_augment={magnitude: 9}", "+views.erasing=0.25", "+views.mixup=0.8", "+views.cutmix=1",
            "+views.smoothing=0.1", "+training.schedule=cosine",
        ])
        #expect(settings.randAugment?.magnitude == 9 && settings.randAugment?.deviation == 0.5)
        #expect(settings.mixing.mixup == 0.8 && settings.mixing.cutmix == 1 && settings.mixing.smoothing == 0.1)
        let entries = Dictionary(uniqueKeysWithValues: settings.protocolEntries)
        #expect(
            entries["training pictures"]
                == "RandAugment 9.0±0.5, erasing 0.25, mixup 0.8, cutmix 1.0, label smoothing 0.1")
        #expect(entries["schedule"]?.hasSuffix("cosine to 0") == true)
    }

    @Test func milestonesLieWithinTheRun() throws {
        let fall = try settings(["+training.schedule=milestones", "+training.milestones=[100, 300]"]).tuning.fall
        #expect(fall == .milestones([100, 300]))
        for list in ["[]", "[400]", "[0]"] {
            let error = #expect(throws: DataError.self) {
                try settings(["+training.schedule=milestones", "+training.milestones=\(list)"])
            }
            #expect(error?.kind == .configuration)
        }
    }
}
