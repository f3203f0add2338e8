import Autograd
import Determinism
import Foundation
import Geometry
import NeuralLayers
import TensorCore
import Testing

@testable import DenseHeads

/// What PyTorch and torchvision computed; `Fixtures/generate.py` made it and holds the same formulas for weights and
/// inputs.
private struct Golden: Decodable {
    struct Coder: Decodable { let source, target, deltas, wild, decoded: [Double] }
    struct Suppression: Decodable { let boxes: [Double], scores: [Float], kept: [Int] }
    struct Matches: Decodable { let truths, candidates: [Double], proposals, regions: [Int] }
    struct MaskTargets: Decodable { let bitmap_rows: [String], boxes: [Double], targets: [String] }
    struct Paste: Decodable { let box: [Double], rows: [String] }
    struct Heads: Decodable { let logits, deltas, mask: [Double] }
    let coder: Coder
    let suppression: Suppression
    let matcher: Matches
    let mask_targets: MaskTargets
    let paste: Paste
    let uper: [Double]
    let simple_pyramid: [String: [Double]]
    let heads: Heads

    static func read() throws -> Golden {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/heads.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
    }
}

private func boxes(_ values: [Double]) -> [Box] {
    stride(from: 0, to: values.count, by: 4).map {
        Box(x0: values[$0], y0: values[$0 + 1], x1: values[$0 + 2], y1: values[$0 + 3])
    }
}

private func bits(_ text: some StringProtocol) -> [UInt8] { text.utf8.map { $0 - UInt8(ascii: "0") } }

/// Fills Double parameters by the generator's formula: names sorted, norm scales moved to one.
private func fill(_ layers: [(prefix: String, layer: any Layer)], norms: [String]) {
    let entries = layers.flatMap { prefix, layer in
        layer.convertParametersToDouble()
        return layer.stateEntries(prefix: prefix).compactMap { entry -> (String, Parameter)? in
            if case .parameter(let parameter) = entry.storage { (entry.name, parameter) } else { nil }
        }
    }
    for (k, (name, parameter)) in entries.sorted(by: { $0.0 < $1.0 }).enumerated() {
        let shift: Double = norms.contains { name.hasSuffix($0) } ? 1 : 0
        for i in 0..<parameter.value.count { parameter.value.f64()[i] = 0.3 * sin(0.7 * Double(i) + Double(k)) + shift }
    }
}

private func wave(_ shape: [Int], _ k: Int) -> Tensor {
    Tensor((0..<shape.reduce(1, *)).map { cos(0.9 * Double($0) + Double(k)) }, shape)
}

/// The fixture is rounded to 1e-9; sums of a few hundred Doubles differ by less.
private func expectClose(_ found: Variable, _ wanted: [Double], _ location: SourceLocation = #_sourceLocation) {
    expectClose(found.value.doubles(), wanted, location)
}

private func expectClose(_ found: [Double], _ wanted: [Double], _ location: SourceLocation = #_sourceLocation) {
    #expect(found.count == wanted.count, sourceLocation: location)
    let worst = zip(found, wanted).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? .infinity
    #expect(worst < 1e-8, "worst difference \(worst)", sourceLocation: location)
}

@Suite struct GoldenTests {
    @Test func boxCoder() throws {
        let golden = try Golden.read().coder
        let coder = DetectionRules.detectron2.coder([10, 10, 5, 5])
        let (sources, targets) = (boxes(golden.source), boxes(golden.target))
        let deltas = zip(sources, targets).flatMap { source, target -> [Double] in
            let deltas = coder.encode(target, from: source)
            return (0..<4).map { deltas[$0] }
        }
        expectClose(deltas, golden.deltas)
        let decoded = sources.enumerated().flatMap { index, source -> [Double] in
            let wild = SIMD4((0..<4).map { golden.wild[4 * index + $0] })
            let box = coder.decode(wild, from: source)
            return [box.x0, box.y0, box.x1, box.y1]
        }
        expectClose(decoded, golden.decoded)
    }

    @Test func suppression() throws {
        let golden = try Golden.read().suppression
        let kept = NonMaximumSuppression.keep(boxes(golden.boxes), scores: golden.scores, threshold: 0.3)
        #expect(kept == golden.kept)
    }

    @Test func matcher() throws {
        let golden = try Golden.read().matcher
        let rules = DetectionRules.torchvision
        for (matcher, wanted) in [(rules.rpnMatcher, golden.proposals), (rules.regionMatcher(), golden.regions)] {
            let found = matcher.match(truths: boxes(golden.truths), candidates: boxes(golden.candidates))
            // torchvision: −1 background, −2 between the thresholds, else the truth.
            let coded = zip(found.verdicts, found.truths).map { verdict, truth in
                verdict == .foreground ? Int(truth) : verdict == .ignored ? -2 : -1
            }
            #expect(coded == wanted)
        }
    }

    @Test func maskTargets() throws {
        let golden = try Golden.read().mask_targets
        let size = ImageSize(height: golden.bitmap_rows.count, width: golden.bitmap_rows[0].count)
        let mask = InstanceMask.bitmap(BinaryMask(size: size, pixels: golden.bitmap_rows.flatMap { bits($0) }))
        for (box, wanted) in zip(boxes(golden.boxes), golden.targets) {
            #expect(mask.target(within: box, side: 28, .detectron2) == bits(wanted).map { Float($0) })
        }
    }

    @Test func pasting() throws {
        let golden = try Golden.read().paste
        let soft = (0..<28 * 28).map { Float(0.5 + 0.5 * sin(0.37 * Double($0))) }
        let pasted = BinaryMask(
            pasting: soft, grid: ImageSize(height: 28, width: 28), into: boxes(golden.box)[0],
            size: ImageSize(height: golden.rows.count, width: golden.rows[0].count))
        #expect(pasted.pixels == golden.rows.flatMap { bits($0) })
    }

    @Test func uperHead() throws {
        var stream = RandomStream(seed: 1, purpose: "init")
        let shapes = [[2, 12, 8, 3], [2, 6, 4, 5], [2, 3, 2, 4], [2, 2, 1, 6]]
        let specs = shapes.enumerated().map { FeatureSpec(name: "map\($0)", channels: $1[3], stride: 4 << $0) }
        let head = try UPerHead(inputs: specs, channels: 4, classCount: 3, &stream)
        fill([("", head)], norms: ["bn.weight"])
        var (parameters, statistics) = ([Parameter](), [BatchNormStatistics]())
        stored(in: head, parameters: &parameters, statistics: &statistics)
        for running in statistics {
            running.mean = running.mean.converted(to: .f64)
            running.variance = running.variance.converted(to: .f64)
        }
        let maps = shapes.enumerated().map { (specs[$0], Variable(wave($1, $0))) }
        expectClose(head(FeatureMaps(maps), .evaluation), try Golden.read().uper)
    }

    @Test func simplePyramid() throws {
        var stream = RandomStream(seed: 1, purpose: "init")
        let input = FeatureSpec(name: "last", channels: 8, stride: 16)
        let pyramid = try SimpleFeaturePyramid(input: input, channels: 4, hasTopLevel: false, &stream)
        fill([("", pyramid)], norms: ["norm.weight", "simfp_2.1.weight"])
        let maps = pyramid(FeatureMaps([(input, Variable(wave([1, 4, 2, 8], 1)))]), .evaluation)
        let golden = try Golden.read().simple_pyramid
        for (level, entry) in maps.maps.enumerated() {
            expectClose(entry.map, try #require(golden["simfp_\(level + 2)"]))
        }
    }

    @Test func secondStage() throws {
        var configuration = MaskRCNNConfiguration(classCount: 2)
        (configuration.channels, configuration.boxConvolutionCount, configuration.boxConvolutionChannels) = (3, 2, 4)
        (configuration.boxLinearWidth, configuration.maskConvolutionCount, configuration.maskChannels) = (5, 1, 4)
        configuration.maskPoolSize = 2
        var stream = RandomStream(seed: 1, purpose: "init")
        let box = BoxHead(configuration, &stream)
        let predictor = BoxPredictor(inputs: 5, classCount: 2, &stream)
        let mask = MaskHead(configuration, &stream)
        fill([("box_head.", box), ("box_predictor.", predictor), ("mask_head.", mask)], norms: ["norm.weight"])
        let golden = try Golden.read().heads
        let (logits, deltas) = predictor(box(Variable(wave([2, 7, 7, 3], 2)), .evaluation), .evaluation)
        expectClose(logits, golden.logits)
        expectClose(deltas, golden.deltas)
        expectClose(mask(Variable(wave([2, 2, 2, 3], 3)), labels: [1, 0], .evaluation), golden.mask)
    }
}
