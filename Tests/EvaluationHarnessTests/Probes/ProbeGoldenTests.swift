import Autograd
import DenseHeads
import DenseMetrics
import Determinism
import NeuralLayers
import TensorCore
import Testing

@testable import EvaluationHarness

/// Frozen probes against scikit-learn and PyTorch on drawn features.
@Suite struct ProbeGoldenTests {
    let fixture: ProbeFixture
    let memory, queries: Tensor
    let majority: [Int]

    init() throws {
        fixture = try ProbeFixture()
        memory = try fixture.tokens("memory")
        queries = try fixture.tokens("queries")
        majority = try ProbeFixture.ints(fixture.json["majority"])
    }

    private func largest(_ scores: [Double]) -> [Int] {
        stride(from: 0, to: scores.count, by: ProbeFixture.classCount).map { start in
            (0..<ProbeFixture.classCount).max { scores[start + $0] < scores[start + $1] }!
        }
    }

    @Test("dense retrieval gives the reference's class scores")
    func hummingbird() throws {
        for entry in try #require(fixture.json["hummingbird"]?.array) {
            let retrieval = PatchRetrieval(
                memory: memory, labels: try fixture.pixels("memory_pixels"), classCount: ProbeFixture.classCount,
                neighbourCount: Int(try #require(entry["k"]?.int)),
                temperature: try #require(entry["temperature"]?.double))
            let (found, wanted) = (retrieval.scores(queries).doubles(), try ProbeFixture.doubles(entry["scores"]))
            #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-5 })
            #expect(largest(found) == largest(wanted))
        }
    }

    @Test("neighbours vote pixel by pixel as scikit-learn's multi-output classifier does")
    func capi() throws {
        let scaling = ChannelScaling(memory)
        let scaled = scaling(queries)
        let wanted = try ProbeFixture.doubles(fixture.json["scaled_queries"])
        #expect(zip(scaled.doubles(), wanted).allSatisfy { abs($0 - $1) < 1e-5 })
        for entry in try #require(fixture.json["capi"]?.array) {
            let votes = PatchVotes(
                memory: scaling(memory), labels: try fixture.pixels("memory_pixels"),
                neighbourCount: Int(try #require(entry["k"]?.int)),
                measure: try #require(entry["measure"]?.string.flatMap(NeighbourSearch.Measure.init)))
            #expect(votes.labels(scaled).map(Int.init) == (try ProbeFixture.ints(entry["pixels"])))
        }
    }

    @Test("logistic regression reaches scikit-learn's minimum", arguments: [DType.f32, .f64])
    func logistic(dtype: DType) throws {
        let memory = memory.converted(to: dtype)
        let scaling = ChannelScaling(memory)
        let (x, y) = (scaling(memory), scaling(queries.converted(to: dtype)))
        #expect(try fixture.pixels("memory_pixels").majorities().map(Int.init) == majority)
        for entry in try #require(fixture.json["logistic"]?.array) {
            let regression = LogisticRegression(inverseRegularization: try #require(entry["C"]?.double))
            let fit = regression.fit(x, labels: majority.map(Int32.init), classCount: ProbeFixture.classCount)
            #expect(abs(fit.loss - (try #require(entry["loss"]?.double))) < 1e-5)
            // Losses in f32 are too coarse for the last bit of a descent under a strong penalty.
            #expect(fit.isConverged || dtype == .f32)
            #expect(fit.predictions(y).map(Int.init) == (try ProbeFixture.ints(entry["predictions"])))
            let wanted = try ProbeFixture.doubles(entry["coefficients"])
            let error = zip(fit.weight.doubles(), wanted).map { abs($0 - $1) }.max() ?? 1
            #expect(error < 2e-3 * max(1, wanted.map(abs).max() ?? 0))
        }
    }

    @Test("linear heads with and without batch norm take PyTorch's steps")
    func linearHeads() throws {
        let set = try fixture.set()
        for entry in try #require(fixture.json["linear_head"]?.array) {
            var probe = LinearHeadProbe(
                steps: Int(try #require(entry["steps"]?.int)), warmupSteps: Int(try #require(entry["warmup"]?.int)))
            probe.normalizes = entry["norm"] == .bool(true)
            probe.learningRate = try #require(entry["rate"]?.double)
            probe.weightDecay = try #require(entry["decay"]?.double)
            probe.batchSize = set.count
            let segmenter = try probe.makeSegmenter(set)
            for entry in segmenter.stateEntries() {
                guard case .parameter(let parameter) = entry.storage else { continue }
                if entry.name.hasSuffix("conv_seg.weight") { parameter.value = ProbeFixture.wave(parameter.shape, 0) }
                if entry.name.hasSuffix("conv_seg.bias") { parameter.value = ProbeFixture.wave(parameter.shape, 1) }
            }
            let losses = try probe.train(segmenter, set, shouldStop: { false })
            let wanted = try ProbeFixture.doubles(entry["losses"])
            #expect(losses.count == wanted.count)
            #expect(zip(losses, wanted).allSatisfy { abs($0 - $1) < 1e-5 })
            let scores = LinearHeadProbe.Fitted(segmenter: segmenter).scores(queries).doubles()
            #expect(largest(scores) == largest(try ProbeFixture.doubles(entry["scores"])))
        }
    }

    @Test("the linear classifier of pictures takes PyTorch's SGD steps")
    func linearClasses() throws {
        let entry = try #require(fixture.json["dino_linear"])
        var probe = LinearClassProbe()
        probe.learningRate = try #require(entry["rate"]?.double)
        probe.epochs = Int(try #require(entry["epochs"]?.int))
        probe.batchSize = Int(try #require(entry["batch"]?.int))
        var stream = RandomStream(seed: 0, purpose: "test")
        let classifier = Linear(ProbeFixture.width, ProbeFixture.classCount, &stream)
        classifier.weight.value = ProbeFixture.wave(classifier.weight.shape, 0)
        let optimizer = SGD([ParameterGroup(classifier.parameters)])
        var losses: [Double] = []
        for epoch in 0..<probe.epochs {
            for start in stride(from: 0, to: majority.count, by: probe.batchSize) {
                let rows = Array(start..<min(start + probe.batchSize, majority.count))
                losses.append(
                    LinearClassProbe.step(
                        classifier, optimizer, memory, rows: rows, labels: rows.map { Int32(majority[$0]) },
                        rate: probe.rate(epoch: epoch)))
            }
        }
        let wanted = try ProbeFixture.doubles(entry["losses"])
        #expect(losses.count == wanted.count)
        #expect(zip(losses, wanted).allSatisfy { abs($0 - $1) < 1e-5 })
        let scores = classifier(Variable(queries), .evaluation).value.doubles()
        #expect(largest(scores) == (try ProbeFixture.ints(entry["predictions"])))
    }

    @Test("k-NN of pictures votes as DINO's evaluation")
    func neighbours() throws {
        for entry in try #require(fixture.json["dino_knn"]?.array) {
            let votes = NeighbourVotes(
                bank: memory.floats(), labels: majority, width: ProbeFixture.width,
                classCount: ProbeFixture.classCount, neighbourCount: Int(try #require(entry["k"]?.int)))
            #expect(votes.predictions(queries: queries.floats()) == (try ProbeFixture.ints(entry["predictions"])))
        }
    }
}
