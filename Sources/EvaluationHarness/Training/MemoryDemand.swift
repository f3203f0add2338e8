import SafeFiles

/// What a training would hold at once, measured on steps of one and two blank pictures.
struct MemoryDemand {
    /// Weights, gradients, moments, and whatever does not depend on the pictures of a step.
    var fixedBytes: Int
    /// For each picture that a step holds at a time.
    var pictureBytes: Int
    /// Pictures of a step.
    var batch: Int
    /// The recipe's batch, which a part divides too: a data set smaller than it is a batch.
    var recipeBatch: Int
    /// Pictures at a time: the batch, or a part of it.
    var held: Int
    /// How another number of `held` is written as an override.
    var key: String
    /// What the pictures of a part must be a multiple of.
    var unit = 1
    /// Program and libraries.
    private static let processBytes = 96 << 20

    /// The key of the parts of a batch: one to be added where the recipe has none.
    static func key(of microBatch: Int?) -> String {
        microBatch == nil ? "+training.micro_batch" : "training.micro_batch"
    }

    /// With so many pictures at a time.
    func bytes(holding pictures: Int) -> Int { Self.processBytes + fixedBytes + pictureBytes * pictures }

    var bytes: Int { bytes(holding: held) }

    /// The largest equal part of the batch that fits.
    func largestPart(within bound: Int) -> Int? {
        stride(from: held - 1, to: 0, by: -1).first {
            batch % $0 == 0 && recipeBatch % $0 == 0 && $0 % unit == 0 && bytes(holding: $0) <= bound
        }
    }

    /// The line that a run begins with.
    func text(_ bound: AvailableMemory) -> String {
        "memory: an estimated \(PlanText.size(bytes)) of \(PlanText.size(bound.bytes)) (\(bound.source))"
    }

    /// Nothing is made smaller unasked: a batch in parts may give other bytes.
    ///
    /// - Throws: `.configuration` naming the parts that would fit.
    func assertFits(_ bound: AvailableMemory, recipe: String) throws(DataError) {
        guard bytes > bound.bytes else { return }
        var remedy = "choose a smaller model or picture"
        if let part = largestPart(within: bound.bytes) {
            remedy = "\(key)=\(part) would take about \(PlanText.size(bytes(holding: part)))"
        }
        throw DataError(
            .configuration, file: recipe, record: "memory",
            expected: "at most \(PlanText.size(bound.bytes)) (\(bound.source))",
            found: "an estimate of \(PlanText.size(bytes)) with \(held) pictures at a time",
            remedy: "\(remedy), or --memory any to go on all the same")
    }
}

extension CommandSession {
    /// Says what a training is going to take, and refuses one that does not fit. Each rank asks for itself.
    ///
    /// - Parameter demand: measured where there is a bound; nil where it cannot be known.
    func assertFits(
        _ allowance: MemoryAllowance, recipe: String, _ demand: () throws -> MemoryDemand?
    ) throws {
        guard let bound = allowance.bound, let demand = try demand() else { return }
        try demand.assertFits(bound, recipe: recipe)
        note(demand.text(bound))
    }
}
