import Autograd
import Determinism
import Geometry
import NeuralLayers
import TensorCore
import Testing

@testable import DenseHeads

private func upernet(
    patch: Int = 8, width: Int = 8, channels: Int = 8, classCount: Int = 4, auxiliary: Bool = true,
    averaging: UPerNet.LossAveraging = .labelledPixels
) throws -> UPerNet {
    var stream = RandomStream(seed: 2, purpose: "init")
    let specs = (0..<4).map { FeatureSpec(name: "block\($0)", channels: width, stride: patch) }
    let neck = try MultiTapPyramid(taps: specs, &stream)
    let decoder = try UPerHead(inputs: neck.outputSpecs, channels: channels, classCount: classCount, &stream)
    let fcn =
        auxiliary ? try FCNHead(inputs: neck.outputSpecs, channels: channels, classCount: classCount, &stream) : nil
    return try UPerNet(neck: neck, decoder: decoder, auxiliary: fcn, averaging: averaging)
}

/// Blocks of random classes, some pixels without a label.
private func labels(_ side: Int, block: Int, classCount: Int, seed: UInt64, ignored: Double = 0.1) -> SemanticLabels {
    var stream = RandomStream(seed: seed, purpose: "labels")
    let cells = side / block
    let drawn = (0..<cells * cells).map { _ in stream.chance(ignored) ? 255 : Int32(stream.int(below: classCount)) }
    return SemanticLabels(
        size: ImageSize(height: side, width: side),
        labels: (0..<side * side).map { drawn[$0 / side / block * cells + $0 % side / block] })
}

@Suite struct SegmentationHeadTests {
    @Test func statesAreCoveredAndNamedAsTheReferenceNamesThem() throws {
        let model = try upernet(patch: 16)
        expectSlotsCoverState(model)
        let names = Set(model.stateEntries().map(\.name))
        for name in [
            "neck.upsample_4x.0.weight", "decode_head.psp_modules.3.1.conv.weight",
            "decode_head.psp_modules.0.1.bn.running_var", "decode_head.bottleneck.conv.weight",
            "decode_head.lateral_convs.2.bn.weight", "decode_head.fpn_convs.0.conv.weight",
            "decode_head.fpn_bottleneck.bn.bias", "decode_head.conv_seg.bias", "auxiliary_head.convs.0.conv.weight",
            "auxiliary_head.conv_seg.weight",
        ] { #expect(names.contains(name), "\(name)") }
    }

    @Test func gradientsAgreeWithDifferences() throws {
        let model = try upernet()
        let features = taps(4, batch: 2, grid: 8, width: 8, stride: 8)
        let inputs = features.maps.map { Parameter($0.map.value.converted(to: .f64)) }
        let targets = (0..<2).map { labels(24, block: 4, classCount: 4, seed: $0) }
        checkGradients(model, extra: inputs) { forward in
            let maps = zip(features.maps, inputs).map { ($0.spec, forward($1)) }
            return LossTerm.total(model.loss(FeatureMaps(maps), targets, forward))
        }
    }

    @Test func semanticFPNGradientsAgreeWithDifferences() throws {
        var stream = RandomStream(seed: 2, purpose: "init")
        let specs = [(3, 4), (4, 8), (5, 16)].map { FeatureSpec(name: "m", channels: $0, stride: $1) }
        let head = try SemanticFPNHead(inputs: specs, pyramidChannels: 4, channels: 4, classCount: 3, &stream)
        let model = try SemanticSegmenter(neck: nil, decoder: head)
        expectSlotsCoverState(model)
        let maps = zip(specs, [8, 4, 2]).map { randomMap([2, $1, $1, $0.channels], seed: UInt64($1), .f64) }
        let targets = (0..<2).map { labels(24, block: 4, classCount: 3, seed: $0) }
        checkGradients(model) { forward in
            LossTerm.total(model.loss(FeatureMaps(zip(specs, maps).map { ($0, Variable($1)) }), targets, forward))
        }
    }

    @Test func twoPicturesAreLearnedByHeart() throws {
        let model = try upernet(width: 16, channels: 16)
        let features = taps(4, batch: 2, grid: 12, width: 16, stride: 8, seed: 30)
        // Labels on the finest grid: nothing is lost in between.
        let targets = (0..<2).map { labels(24, block: 3, classCount: 4, seed: 70 + $0) }
        let optimizer = AdamW(ParameterGroup.decayed(model.stateEntries(), weightDecay: 0.01))
        var last = Double.infinity
        for step in 0..<120 {
            let tape = Tape()
            let terms = model.loss(features, targets, Forward(mode: .training, seed: UInt64(step), tape: tape))
            if step == 0 {
                #expect(terms.map(\.name) == ["seg", "seg_aux"] && terms.map(\.weight) == [1, 0.4])
                // A classifier drawn with deviation 0.01 starts undecided: ln 4.
                #expect(abs(terms[0].value.item() - 1.386) < 0.1)
            }
            last = terms[0].value.item()
            tape.backward(LossTerm.total(terms))
            optimizer.step(learningRate: step < 90 ? 0.01 : 0.002)
            optimizer.zeroGradients()
        }
        #expect(last < 0.1, "loss \(last)")
        let frames = [PictureFrame](
            repeating: PictureFrame(content: .init(height: 96, width: 96), output: targets[0].size), count: 2)
        let found = model.predict(features, sizes: frames, .evaluation)
        var (right, counted) = (0, 0)
        for (prediction, target) in zip(found, targets) {
            for (a, b) in zip(prediction.labels, target.labels) where b != 255 {
                counted += 1
                right += a == b ? 1 : 0
            }
        }
        #expect(Double(right) / Double(counted) > 0.97, "\(right) of \(counted)")
    }

    @Test func ignoredPixelsChangeNothing() throws {
        let model = try upernet(auxiliary: false)
        let features = taps(4, batch: 1, grid: 4, width: 8, stride: 8)
        let forward = Forward(mode: .evaluation)
        let target = labels(16, block: 2, classCount: 4, seed: 4, ignored: 0.5)
        let value = model.loss(features, [target], forward)[0].value.item()
        // By hand from the resized logits.
        let logits = model.logits(features, forward).resizedBilinear(to: (16, 16)).logSoftmax().value.floats()
        var (total, counted) = (0.0, 0)
        for (pixel, label) in target.labels.enumerated() where label != 255 {
            total -= Double(logits[pixel * 4 + Int(label)])
            counted += 1
        }
        #expect(abs(value - total / Double(counted)) < 1e-5)
        let everything = try upernet(auxiliary: false, averaging: .allPixels)
        try everything.load(model.state(), from: "twin")
        let diluted = everything.loss(features, [target], forward)[0].value.item()
        #expect(abs(diluted - total / 256) < 1e-5)
    }

    @Test func paddingIsCutBeforeTheLastResize() {
        // Logits of two classes over 4x8; the right half is padding that would win everywhere.
        let values: [Float] = (0..<32).flatMap { $0 % 8 < 4 ? [1, 0] as [Float] : [0, 9] }
        let logits = Variable(Tensor(values, [1, 4, 8, 2]))
        let frame = PictureFrame(content: ImageSize(height: 4, width: 4), output: ImageSize(height: 9, width: 7))
        let found = LinearSegmenter.labels(logits, input: ImageSize(height: 4, width: 8), frame: frame)
        #expect(found.size == frame.output && found.labels.allSatisfy { $0 == 0 })
    }

    @Test func linearProbeJoinsTapsOfOneGrid() throws {
        var stream = RandomStream(seed: 2, purpose: "init")
        let features = taps(2, batch: 2, grid: 3, width: 5, stride: 16)
        let head = try LinearHead(inputs: features.maps.map(\.spec), classCount: 3, dropout: 0.1, &stream)
        let model = try LinearSegmenter(neck: nil, decoder: head)
        expectSlotsCoverState(model)
        #expect(model.logits(features, .evaluation).shape == [2, 3, 3, 3])
        let targets = (0..<2).map { labels(12, block: 2, classCount: 3, seed: $0) }
        checkGradients(model) { forward in
            let maps = features.maps.map { ($0.spec, Variable($0.map.value.converted(to: .f64))) }
            return LossTerm.total(model.loss(FeatureMaps(maps), targets, forward))
        }
    }

    @Test func impossibleHeadsAreRefused() {
        var stream = RandomStream(seed: 2, purpose: "init")
        let flat = (0..<4).map { FeatureSpec(name: "block\($0)", channels: 8, stride: 16) }
        let error = #expect(throws: HeadConfigurationError.self) {
            try UPerHead(inputs: flat, channels: 8, classCount: 3, &stream)
        }
        #expect(error?.description.contains("rising stride") == true)
        #expect(throws: HeadConfigurationError.self) {
            try FCNHead(inputs: flat, inputIndex: 4, classCount: 3, &stream)
        }
        #expect(throws: HeadConfigurationError.self) {
            let head = try LinearHead(inputs: flat, classCount: 300, &stream)
            _ = try LinearSegmenter(neck: nil, decoder: head, ignoreLabel: 255)
        }
    }
}
