import Autograd
import Determinism
import Geometry
import NeuralLayers
import TensorCore
import Testing

@testable import DenseHeads

@Suite struct MaskRCNNTests {
    @Test func statesAreCoveredAndNamedAsTheReferenceNamesThem() throws {
        let standard = try SmallDetector.model()
        expectSlotsCoverState(standard)
        let names = Set(standard.stateEntries().map(\.name))
        for name in [
            "backbone.simfp_2.0.weight", "backbone.simfp_4.1.weight", "proposal_generator.rpn_head.conv.conv1.bias",
            "proposal_generator.rpn_head.objectness_logits.weight", "proposal_generator.rpn_head.anchor_deltas.bias",
            "roi_heads.box_head.conv4.norm.weight", "roi_heads.box_head.fc1.weight",
            "roi_heads.box_predictor.cls_score.weight", "roi_heads.box_predictor.bbox_pred.bias",
            "roi_heads.mask_head.mask_fcn4.weight", "roi_heads.mask_head.deconv.weight",
            "roi_heads.mask_head.predictor.bias",
        ] { #expect(names.contains(name), "\(name)") }
        var other = SmallDetector.configuration()
        (other.rpnConvolutionCount, other.boxConvolutionCount, other.boxLinearCount) = (1, 0, 2)
        let classic = try SmallDetector.model(other)
        expectSlotsCoverState(classic)
        let classicNames = Set(classic.stateEntries().map(\.name))
        #expect(classicNames.contains("proposal_generator.rpn_head.conv.weight"))
        #expect(classicNames.contains("roi_heads.box_head.fc2.weight"))
    }

    @Test func proposalGradientsAgreeWithDifferences() throws {
        let model = try SmallDetector.model()
        let map = randomMap([2, 8, 8, 16], seed: 3, .f64)
        let truths = SmallDetector.targets().map(\.learnable)
        // The second stage takes no part: check pyramid and proposal network as one layer.
        let part = FirstStage(pyramid: model.pyramid, proposer: model.proposer)
        checkGradients(part) { forward in
            let maps = model.pyramid(Self.features(map), forward)
            return LossTerm.total(
                model.proposer.loss(
                    model.proposer(maps, forward), truths, contents: SmallDetector.targets().map(\.size), forward))
        }
    }

    @Test func regionGradientsAgreeWithDifferences() throws {
        // Few ReLUs: each is a kink that differences may step over.
        var small = SmallDetector.configuration()
        (small.boxConvolutionCount, small.boxConvolutionChannels, small.maskConvolutionCount) = (2, 8, 2)
        (small.maskPoolSize, small.maskChannels, small.boxLinearWidth) = (6, 8, 12)
        small.regionSampler = BalancedSampler(count: 5, foregroundShare: 0.6)
        let model = try SmallDetector.model(small)
        let map = Parameter(randomMap([2, 16, 16, 16], seed: 3, .f64))
        let truths = SmallDetector.targets().map(\.learnable)
        var stream = RandomStream(seed: 12, purpose: "boxes")
        let noisy = truths.map { instances in
            instances.flatMap { instance in
                (0..<3).map { _ in
                    instance.box.translated(x: stream.normal(), y: stream.normal()).scaled(x: 1.02, y: 0.97)
                }
            } + [Box(x0: 50, y0: 2, x1: 62, y1: 12)]
        }
        let samples = RegionSamples(proposals: noisy, truths: truths, configuration: model.configuration, seed: 4)
        #expect(samples.foreground.count == 6 && samples.regions.count == 8)
        checkGradients(model.regions, extra: [map]) { forward in
            let maps = SmallDetector.levels(forward(map))
            let regions = samples.regions.map { (picture: $0.picture, box: $0.box) }
            let outputs = model.regions.boxes(maps, regions, stage: 0, forward)
            return LossTerm.total(
                model.regions.loss(maps, samples, outputs, samples.meanCounts(forward), stage: 0, forward))
        }
    }

    @Test func twoPicturesAreLearnedByHeart() throws {
        let model = try SmallDetector.model()
        let features = Self.features(randomMap([2, 8, 8, 16], seed: 3))
        let targets = SmallDetector.targets()
        let optimizer = AdamW(ParameterGroup.decayed(model.stateEntries(), weightDecay: 0.01))
        var last: [LossTerm] = []
        for step in 0..<200 {
            let tape = Tape()
            last = model.loss(features, targets, Forward(mode: .training, seed: UInt64(step), tape: tape))
            if step == 0 { #expect(LossTerm.total(last).item() > 2, "nothing to learn") }
            tape.backward(LossTerm.total(last))
            optimizer.step(learningRate: step < 140 ? 0.004 : 0.001, clipNorm: 5)
            optimizer.zeroGradients()
        }
        #expect(last.map(\.name) == ["rpn_objectness", "rpn_box", "roi_class", "roi_box", "roi_mask"])
        let total = LossTerm.total(last).item()
        #expect(total < 0.5, "\(last.map { ($0.name, $0.value.item()) })")
        let found = model.predict(features, sizes: targets.map { PictureFrame($0.size) }, .evaluation)
        for (detections, target) in zip(found, targets) {
            let sure = detections.instances.filter { $0.score > 0.5 }
            // Two hundred steps may leave one stray box that suppression cannot reach.
            #expect(sure.count <= target.instances.count + 1, "\(sure.map { ($0.box, $0.label, $0.score) })")
            for truth in target.instances {
                guard case .bitmap(let mask) = truth.mask else { continue }
                let match = sure.first { $0.label == truth.label && $0.box.iou(truth.box) > 0.75 }
                let overlap = try match?.mask.iou(truth: mask.rle) ?? 0
                #expect(overlap > 0.75, "label \(truth.label): mask IoU \(overlap)")
            }
        }
    }

    @Test func predictionsFollowTheOriginalSizeAndTheContent() throws {
        let model = try SmallDetector.model()
        let features = Self.features(randomMap([1, 8, 8, 16], seed: 3))
        let content = ImageSize(height: 40, width: 56)
        var loose = model.configuration
        loose.scoreThreshold = 0.2
        let eager = try SmallDetector.model(loose)
        let same = eager.predict(features, sizes: [PictureFrame(content)], .evaluation)[0]
        let double = eager.predict(
            features, sizes: [PictureFrame(content: content, output: ImageSize(height: 80, width: 112))], .evaluation)[
                0]
        #expect(!same.instances.isEmpty && same.instances.count <= loose.detectionLimit)
        #expect(same.instances.allSatisfy { $0.box.x1 <= 56 && $0.box.y1 <= 40 && $0.mask.size == content })
        #expect(zip(same.instances, same.instances.dropFirst()).allSatisfy { $0.score >= $1.score })
        #expect(double.instances.count == same.instances.count)
        for (a, b) in zip(same.instances, double.instances) {
            #expect(a.score == b.score && b.mask.size == double.size && b.box == a.box.scaled(x: 2, y: 2))
        }
    }

    @Test func crowdsAndEmptyPicturesAreBackground() throws {
        let model = try SmallDetector.model()
        let features = Self.features(randomMap([2, 8, 8, 16], seed: 3))
        var crowded = SmallDetector.targets()
        for index in crowded[1].instances.indices { crowded[1].instances[index].isCrowd = true }
        var empty = SmallDetector.targets()
        empty[1].instances = []
        let forward = Forward(mode: .training, seed: 3)
        let a = model.loss(features, crowded, forward).map { $0.value.item() }
        #expect(a == model.loss(features, empty, forward).map { $0.value.item() })
        #expect(a != model.loss(features, SmallDetector.targets(), forward).map { $0.value.item() })
        let nothing = empty.map { DetectionTarget(size: $0.size, instances: []) }
        let tape = Tape()
        let terms = model.loss(features, nothing, Forward(mode: .training, seed: 3, tape: tape))
        #expect(terms.allSatisfy { $0.value.item().isFinite })
        #expect(terms[1].value.item() == 0 && terms[3].value.item() == 0 && terms[4].value.item() == 0)
        tape.backward(LossTerm.total(terms))
        #expect(model.parameters.contains { $0.gradient != nil })
    }

    @Test func bytesDoNotDependOnThreads() throws {
        func step(_ threads: Int) throws -> [[Float]] {
            let before = Parallel.threadCount
            Parallel.setThreadCount(threads)
            defer { Parallel.setThreadCount(before) }
            let model = try SmallDetector.model()
            let tape = Tape()
            let forward = Forward(mode: .training, seed: 9, tape: tape)
            let features = Self.features(randomMap([2, 8, 8, 16], seed: 3))
            tape.backward(LossTerm.total(model.loss(features, SmallDetector.targets(), forward)))
            return model.parameters.compactMap { $0.gradient?.floats() }
        }
        let one = try step(1)
        let three = try step(3)
        #expect(three == one && one.count > 30)
    }

    @Test func theThreeFormsOfAMaskGiveOneTarget() {
        let size = ImageSize(height: 40, width: 40)
        let box = Box(x0: 8, y0: 6, x1: 28, y1: 30)
        let corners: [Double] = [8, 6, 28, 6, 28, 30, 8, 30]
        let runs = RLEMask(polygon: corners, size: size)
        let around = Box(x0: 2, y0: 2, x1: 34, y1: 34)
        let forms: [InstanceMask] = [.bitmap(runs.bitmap), .runs(runs), .polygons([Polygon(corners)])]
        let grids = forms.map { $0.target(within: around, side: 16, .detectron2) }
        #expect(grids[0] == grids[1] && grids[1] == grids[2])
        #expect(grids[0].contains(1) && grids[0].contains(0))
        #expect(InstanceMask.bitmap(runs.bitmap).target(within: box, side: 8, .detectron2).allSatisfy { $0 == 1 })
    }

    @Test func impossibleConfigurationsAreRefused() {
        var wrong = SmallDetector.configuration()
        wrong.anchorSizes = [8, 16]
        let error = #expect(throws: HeadConfigurationError.self) { try SmallDetector.model(wrong).configuration }
        #expect(error?.description.contains("4 anchor sizes") == true)
        wrong = SmallDetector.configuration()
        wrong.rpnConvolutionCount = 3
        #expect(throws: HeadConfigurationError.self) { try SmallDetector.model(wrong) }
    }

    static func features(_ map: Tensor) -> FeatureMaps {
        FeatureMaps([(FeatureSpec(name: "last", channels: map.shape[3], stride: 8), Variable(map))])
    }
}

/// Pyramid and proposal network without the second stage.
private final class FirstStage: Layer {
    let pyramid: DetectionPyramid
    let proposer: RegionProposalNetwork

    init(pyramid: DetectionPyramid, proposer: RegionProposalNetwork) {
        self.pyramid = pyramid
        self.proposer = proposer
    }

    static var slots: [Slot<FirstStage>] { [.layer("pyramid", \.pyramid), .layer("rpn", \.proposer)] }
}
