import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Keys of training") struct TrainingKeysTests {
    private func tuning(_ overrides: [String]) throws -> FineTuning {
        let recipe = try shippedLibrary().load("classify-scenes", overrides: overrides)
        let reader = try recipe.reader().map("training")
        let tuning = try FineTuning(reader, seed: 0)
        try reader.assertAllKeysRead()
        return tuning
    }

    @Test("optimizers, parts, averages and validation are read")
    func read() throws {
        let plain = try tuning([])
        #expect(plain.optimizer == .usual && plain.microBatch == nil && plain.averageDecay == nil)
        #expect(plain.validation == nil)
        #expect(plain.protocolEntries[0].1.contains(", AdamW 0.001,") && plain.protocolEntries.count == 3)
        let sgd = try tuning(["+training.optimizer=sgd", "+training.momentum=0.8", "+training.nesterov=true"])
        #expect(sgd.optimizer == .sgd(momentum: 0.8, nesterov: true))
        #expect(sgd.protocolEntries[0].1.contains("SGD (Nesterov momentum 0.8) 0.001"))
        #expect(try tuning(["+training.optimizer=lars"]).optimizer == .lars(momentum: 0.9))
        #expect(try tuning(["+training.betas=[0.9, 0.95]"]).optimizer == .adamw(betas: [0.9, 0.95]))
        let more = try tuning([
            "+training.micro_batch=8", "+training.ema=0.9999",
            "+training.validate={every: 50, split: test, pictures: 9}",
        ])
        #expect(more.microBatch == 8 && more.averageDecay == 0.9999)
        #expect(more.validation?.every == 50 && more.validation?.split == "test" && more.validation?.pictures == 9)
    }

    @Test(
        "what cannot be is refused at its key",
        arguments: [
            ("+training.optimizer=sdg", "training.optimizer", "did you mean 'sgd'?"),
            ("+training.optimizer=adagrad", "training.optimizer", "adamw, sgd, lars"),
            ("+training.momentum=0.9", "training.momentum", "sgd or lars"),
            ("+training.nesterov=true", "training.nesterov", "sgd"),
            ("+training.betas=[0.9]", "training.betas", "two numbers"),
            ("+training.betas=[0.9, 1]", "training.betas", "two numbers"),
            ("+training.micro_batch=5", "training.micro_batch", "divisor of the batch of 32"),
            ("+training.micro_batch=0", "training.micro_batch", "1 to 32"),
            ("+training.ema=2", "training.ema", "0.0 to 1.0"),
            ("+training.ema=1", "training.ema", "below 1"),
            ("+training.ema=0", "training.ema", "above 0"),
            ("+training.validate={}", "training.validate.every", "every"),
            ("+training.validate={every: 0}", "training.validate.every", "1 to"),
            ("+training.validate={every: 5, splt: val}", "training.validate.splt", "did you mean 'split'?"),
            ("+training.validate=5", "training.validate", "map"),
        ])
    func refused(override: String, record: String, word: String) throws {
        let error = #expect(throws: DataError.self) { try tuning([override]) }
        #expect(error?.kind == .configuration && error?.record == record, "\(error!)")
        #expect(error?.description.contains(word) == true, "\(error!)")
    }
}
