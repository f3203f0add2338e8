import SafeFiles

extension FineTuning {
    /// Reads the `training:` keys of a recipe.
    init(_ reader: RecipeReader, seed: UInt64) throws(DataError) {
        self.init()
        steps = try reader.int("steps", in: 1...100_000_000)
        batchSize = try reader.int("batch", in: 1...65_536, default: batchSize)
        optimizer = try OptimizerSettings(reader, default: optimizer)
        microBatch = try reader.microBatch(of: batchSize)
        averageDecay = try reader.averageDecay()
        validation = try reader.optionalMap("validate").map { map throws(DataError) in try ValidationPlan(map) }
        learningRate = try reader.double("rate", in: 0...100, default: learningRate)
        layerDecay = try reader.double("layer_decay", in: 0.01...1, default: layerDecay)
        weightDecay = try reader.double("weight_decay", in: 0...10, default: weightDecay)
        warmupSteps = try reader.int("warmup", in: 0...steps, default: min(warmupSteps, steps))
        fall = try RateFall(reader, steps: steps)
        let clip = try reader.double("clip", in: 0...1e9, default: clipNorm ?? 0)
        clipNorm = clip > 0 ? clip : nil
        precision = try reader.choice("precision", default: precision)
        checkpointedBlocks = try reader.int("checkpoint_blocks", in: 0...1000, default: checkpointedBlocks)
        dropPath = try reader.double("drop_path", in: 0...0.99, default: dropPath)
        freezesBackbone = try reader.value("freeze_backbone", default: freezesBackbone)
        self.seed = try reader.value("seed", default: seed)
        snapshots = try SnapshotPlan(reader)
    }
}

extension RateFall {
    private enum Name: String, CaseIterable { case linear, cosine, milestones }

    /// Reads `schedule` and, for `milestones`, the steps.
    init(_ reader: RecipeReader, steps: Int) throws(DataError) {
        switch try reader.choice("schedule", default: Name.linear) {
        case .linear: self = .linear
        case .cosine: self = .cosine
        case .milestones:
            let list: [Int] = try reader.value("milestones")
            guard !list.isEmpty, list.allSatisfy({ (1..<steps).contains($0) }) else {
                throw reader.refused(
                    "milestones", expected: "steps between 1 and \(steps - 1)", found: "\(list)",
                    "name the steps at which the rate falls")
            }
            self = .milestones(list)
        }
    }
}

extension RecipeReader {
    /// `micro_batch`: a divisor of the batch; nil where the recipe has none.
    func microBatch(of batch: Int) throws(DataError) -> Int? {
        guard has("micro_batch") else { return nil }
        let size = try int("micro_batch", in: 1...batch)
        guard batch % size == 0 else {
            throw refused(
                "micro_batch", expected: "a divisor of the batch of \(batch)", found: "\(size)", "choose another size")
        }
        return size
    }

    /// `ema`: the decay of the weights' moving average; nil where the recipe has none.
    func averageDecay() throws(DataError) -> Double? {
        guard has("ema") else { return nil }
        let decay = try double("ema", in: 0...1)
        guard decay > 0, decay < 1 else {
            throw refused(
                "ema", expected: "a decay above 0 and below 1", found: "\(decay)",
                "0.9999 is usual; leave the key out for the last weights")
        }
        return decay
    }

    /// A pair `[low, high]` of numbers.
    func range(
        _ key: String, in bounds: ClosedRange<Double>, default fallback: ClosedRange<Double>
    ) throws(DataError) -> ClosedRange<Double> {
        guard let pair: [Double] = try optional(key) else { return fallback }
        guard pair.count == 2, pair[0] <= pair[1], bounds.contains(pair[0]), bounds.contains(pair[1]) else {
            throw refused(
                key, expected: "[low, high] within \(bounds.lowerBound) to \(bounds.upperBound)", found: "\(pair)",
                "give two numbers, the smaller one first")
        }
        return pair[0]...pair[1]
    }
}
