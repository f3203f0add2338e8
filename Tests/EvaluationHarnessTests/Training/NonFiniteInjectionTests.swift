import Autograd
import NeuralLayers
import SafeFiles
import TensorCore
import Testing

@testable import EvaluationHarness

/// NaN and infinity put into a training at twenty places, by kind of place: the step is left out or the next one is, or the
/// file is refused.
@Suite("Injected values that are not finite") struct NonFiniteInjectionTests {
    private typealias Poison = PoisonedNetwork.Poison
    private static let values: [Float] = [.nan, .infinity]

    private struct Outcome {
        var skipped: [Int]
        var steps: Int
        var isFinite: Bool
    }

    /// Five steps; `change` is called before the loss of each.
    private func train(
        _ network: PoisonedNetwork = PoisonedNetwork(),
        change: (Int, AdamW) -> Void = { _, _ in }, terms: (Int, Forward, PoisonedNetwork) -> [LossTerm]
    ) throws -> Outcome {
        let optimizer = AdamW([ParameterGroup(network.parameters)])
        let loop = TrainingLoop(schedule: Schedule(.constant, base: 1e-3, totalSteps: 5), clipNorm: 1, seed: 3)
        var skipped: [Int] = []
        do {
            skipped = try loop.run(optimizer, of: network) { step, forward in
                change(step, optimizer)
                return terms(step, forward, network)
            }.skippedSteps
        } catch let error as DivergenceError {
            skipped = error.steps
        }
        return Outcome(
            skipped: skipped, steps: optimizer.stepCount, isFinite: network.parameters.allSatisfy(\.value.isFinite))
    }

    private func forEachPlace(_ body: (Int, Float) throws -> Void) rethrows {
        for stage in 0..<PoisonedNetwork.stageCount {
            for value in Self.values { try body(stage, value) }
        }
    }

    @Test("nothing is left out of a training without them") func clean() throws {
        let outcome = try train { _, forward, network in network.loss(forward) }
        #expect(outcome.skipped == [] && outcome.steps == 5)
        #expect(outcome.isFinite)
    }

    @Test("in one of twenty terms of the loss") func loss() throws {
        try forEachPlace { stage, value in
            let outcome = try train { step, forward, network in
                var terms = network.loss(forward)
                if step == 1 {
                    let factor = Variable(Tensor([value], []))
                    terms[stage] = LossTerm(name: terms[stage].name, value: terms[stage].value.multiplied(by: factor))
                }
                return terms
            }
            #expect(outcome.skipped == [1] && outcome.steps == 4, "stage \(stage), \(value)")
        }
    }

    @Test("in the gradient, and in one activation, behind each stage", arguments: [true, false])
    func passing(_ isGradient: Bool) throws {
        try forEachPlace { stage, value in
            let poison = Poison(stage: stage, value: value, isGradient: isGradient)
            let outcome = try train { step, forward, network in network.loss(forward, step == 1 ? poison : nil) }
            #expect(outcome.skipped == [1] && outcome.steps == 4, "stage \(stage), \(value)")
            #expect(outcome.isFinite, "stage \(stage), \(value)")
        }
    }

    enum LogitLoss: CaseIterable { case crossEntropy, soft, sigmoid, smooth, squared, cosine }

    @Test("in one of twenty logits, whatever the loss", arguments: LogitLoss.allCases)
    func logits(_ loss: LogitLoss) throws {
        let targets = Tensor((0..<160).map { Float($0 % 2) }, [40, 4])
        let halves = Tensor((0..<160).map { Float($0 % 2) / 2 }, [40, 4])
        for place in stride(from: 0, to: 160, by: 8) {
            for value in Self.values {
                let poison = Poison(stage: PoisonedNetwork.stageCount - 1, value: value, place: place)
                let outcome = try train { step, forward, network in
                    network.loss(forward, step == 1 ? poison : nil) { logits in
                        switch loss {
                        case .crossEntropy: logits.crossEntropy(labels: (0..<40).map { $0 % 4 })
                        case .soft: logits.softCrossEntropy(targets: halves)
                        case .sigmoid: logits.bceWithLogits(targets: targets)
                        case .smooth: logits.smoothL1(targets, beta: 1)
                        case .squared: logits.meanSquaredError(targets)
                        case .cosine: logits.cosineLoss(targets)
                        }
                    }
                }
                #expect(outcome.skipped == [1] && outcome.steps == 4, "place \(place), \(value)")
                #expect(outcome.isFinite, "place \(place), \(value)")
            }
        }
    }

    @Test("in a weight: every step from there on is left out, which ends the run") func weight() throws {
        try forEachPlace { stage, value in
            let network = PoisonedNetwork()
            let outcome = try train(
                network,
                change: { step, _ in
                    if step == 1 { network.stages[stage].weight.value.f32()[1] = value }
                }, terms: { _, forward, network in network.loss(forward) })
            #expect(outcome.skipped == [1, 2, 3] && outcome.steps == 1, "stage \(stage), \(value)")
        }
    }

    /// A moment is read by the step, and the weight that it spoils by the next one. An infinite second moment spoils none, it
    /// stops its weight: snapshots refuse it.
    @Test("in a moment: the step after is left out, or the snapshot refused") func moment() throws {
        for (order, value) in [(0, Float.nan), (0, .infinity), (1, .nan), (1, .infinity)] {
            for place in 0..<PoisonedNetwork.stageCount {
                let network = PoisonedNetwork()
                var broken: [String] = []
                let outcome = try train(
                    network,
                    change: { step, optimizer in
                        if step == 1 {
                            let moments = optimizer.state.moments[order].tensor
                            moments.f32()[place * (moments.count / PoisonedNetwork.stageCount)] = value
                        }
                        if step == 2 {
                            broken =
                                TrainingSnapshot(
                                    network, optimizer, completedSteps: 2, history: TrainingHistory(window: 1),
                                    carried: nil
                                ).brokenTensors
                        }
                    }, terms: { _, forward, network in network.loss(forward) })
                #expect(broken.contains { $0.hasPrefix("optimizer.") }, "place \(place), \(value)")
                let stops = order == 1 && value == .infinity
                #expect(outcome.skipped == (stops ? [] : [2, 3, 4]), "moment \(order), place \(place), \(value)")
            }
        }
    }

    @Test("in a checkpoint: the file is refused, and names the tensor") func checkpoint() {
        forEachPlace { stage, value in
            let network = PoisonedNetwork()
            let state = network.state()
            let name = "stages.\(stage).weight"
            state[name]!.f32()[0] = value
            let error = #expect(throws: DataError.self) {
                try ModelFile.load(state, into: PoisonedNetwork(seed: 2), file: "checkpoint")
            }
            #expect(error?.kind == .malformed && error?.found.contains(name) == true, "\(String(describing: error))")
        }
    }
}
