import Communication
import NeuralLayers
import Testing

@testable import EvaluationHarness

@Suite("Averages of weights and parts of batches") struct WeightAverageTests {
    private static func settings(_ steps: Int) -> ClassificationSettings {
        var settings = ClassificationSettings()
        settings.architecture.size = 32
        (settings.tuning.steps, settings.tuning.batchSize, settings.tuning.warmupSteps) = (steps, 6, 1)
        return settings
    }

    private static func values(_ model: ClassificationModel) -> [Float] {
        model.stateEntries().flatMap { $0.tensor.floats() }
    }

    /// Beside sums in double of the weights that each step left.
    @Test("the average follows its equation, and the training does not know of it")
    func equation() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder).data(.classify).classification()
            var settings = Self.settings(5)
            func train(_ average: Bool) throws -> (last: [Float], average: [Float], expected: [Double]) {
                let trainer = ClassificationTrainer(settings)
                let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                var expected = Self.values(model).map(Double.init)
                var observer = TrainingObserver<ClassificationModel>(onStep: { _ in
                    for (at, value) in Self.values(model).enumerated() {
                        expected[at] = 0.75 * expected[at] + 0.25 * Double(value)
                    }
                })
                observer.average = average ? try model.unlearnedTwin() : nil
                try trainer.run(model, dataset: dataset, observer)
                return (Self.values(model), observer.average.map(Self.values) ?? [], expected)
            }
            let plain = try train(false)
            settings.tuning.averageDecay = 0.75
            let averaged = try train(true)
            #expect(averaged.last == plain.last && averaged.average != averaged.last)
            // Five roundings of values of size 1.
            let worst = zip(averaged.average, averaged.expected).map { abs(Double($0) - $1) }.max() ?? 1
            #expect(worst < 2e-6, "\(worst)")
        }
    }

    @Test("a batch in parts takes the whole batch's step where no statistic is one of the batch")
    func parts() throws {
        try withTemporaryFolder { folder in
            let dataset = try DrawnScenes(folder, train: 8).data(.classify).classification()
            func train(_ microBatch: Int?) throws -> [Float] {
                var settings = Self.settings(4)
                settings.erasing.probability = 0.5
                settings.tuning.optimizer = .sgd(momentum: 0.9, nesterov: false)
                settings.tuning.learningRate = 0.1
                settings.tuning.microBatch = microBatch
                let trainer = ClassificationTrainer(settings)
                let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                try trainer.run(model, dataset: dataset)
                return Self.values(model)
            }
            let whole = try train(nil)
            #expect(try train(6) == whole)
            for size in [1, 2, 3] {
                let worst = zip(try train(size), whole).map { abs($0 - $1) }.max() ?? 1
                #expect(worst > 0 && worst < 1e-5, "\(size): \(worst)")
            }
        }
    }

    @Test("a data set smaller than the batch is one part")
    func smallDataSets() {
        var tuning = FineTuning()
        tuning.microBatch = 2
        #expect(tuning.parts(of: 3) == 1 && tuning.parts(of: 4) == 2)
    }

    @Test("parts are consecutive places, and shares of them on several ranks")
    func partsOfSteps() throws {
        let batches = BatchesAhead(steps: 2, items: { _ in [3, 4, 5] }) { step, place, item in step * 100 + item }
        defer { batches.stop() }
        let whole = BatchParts(batches, try BatchPlaces(batch: 3, SingleProcess()))
        #expect(try whole.part(0, of: 0).views == [3, 4, 5])
        let thirds = BatchParts(batches, try BatchPlaces(batch: 3, parts: 3, SingleProcess()))
        for part in 0..<3 {
            let taken = try thirds.part(part, of: 1)
            #expect(taken.items == [3 + part] && taken.views == [103 + part] && taken.places == part..<part + 1)
        }
    }
}
