import Autograd
import CheckpointIO
import DenseHeads
import Geometry
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import EvaluationHarness

/// A reference detector's pictures, findings, losses, gradients and steps, and the ways to compare a model with them.
struct DetectionGolden {
    let tensors: [String: Tensor]

    init(tensors: [String: Tensor]) { self.tensors = tensors }

    /// - Parameter name: of a file below `Tests/Fixtures/maskrcnn`.
    init(_ name: String) throws {
        let folder = try #require(SourceCheckout.folder)
        tensors = try Safetensors.load("\(folder)/Tests/Fixtures/maskrcnn/\(name)").tensors
    }

    func tensor(_ name: String) throws -> Tensor { try #require(tensors[name], "\(name)") }

    /// Tensors whose names start so, without that start.
    func tensors(below prefix: String) -> [String: Tensor] {
        Dictionary(
            uniqueKeysWithValues: tensors.filter { $0.key.hasPrefix(prefix) }.map {
                (String($0.key.dropFirst(prefix.count)), $0.value)
            })
    }

    /// The pictures, 0 to 1.
    func images() throws -> Tensor {
        let stored = try tensor("images")
        return Tensor(bytes(stored).map { Double($0) / 255 }, stored.shape).converted(to: .f32)
    }

    private func bytes(_ tensor: Tensor) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: tensor.raw, count: tensor.byteCount))
    }

    var pictureCount: Int { tensors["images"]?.shape[0] ?? 0 }

    func size() throws -> ImageSize {
        let shape = try tensor("images").shape
        return ImageSize(height: shape[1], width: shape[2])
    }

    func boxes(_ name: String) throws -> [Box] {
        let values = try tensor(name).doubles()
        return stride(from: 0, to: values.count, by: 4).map {
            Box(x0: values[$0], y0: values[$0 + 1], x1: values[$0 + 2], y1: values[$0 + 3])
        }
    }

    private func masks(_ name: String) throws -> [BinaryMask] {
        let (stored, size) = (try tensor(name), try size())
        let pixels = bytes(stored)
        return (0..<stored.shape[0]).map {
            BinaryMask(size: size, pixels: Array(pixels[$0 * size.pixelCount..<($0 + 1) * size.pixelCount]))
        }
    }

    func targets() throws -> [DetectionTarget] {
        try (0..<pictureCount).map { picture in
            let boxes = try boxes("\(picture).true.boxes")
            let labels = try tensor("\(picture).true.labels").ints()
            let masks = try masks("\(picture).true.masks")
            return DetectionTarget(
                size: try size(),
                instances: boxes.indices.map {
                    .init(box: boxes[$0], label: Int(labels[$0]), mask: .bitmap(masks[$0]))
                })
        }
    }

    /// Boxes, scores, labels and masks in their order; at most one pixel of a mask may lie within rounding of one half.
    ///
    /// - Parameters:
    ///   - boxTolerance: in pixels.
    ///   - tiesMaySwap: each detection stands beside the nearest of its label: scores that rounding alone tells apart may
    ///     stand in either order.
    /// - Returns: the largest distance of a box, in pixels, and of a score.
    @discardableResult
    func expectPredictions(
        _ model: DetectionModel, _ images: Tensor, boxTolerance: Double = 1e-3, scoreTolerance: Double = 1e-5,
        tiesMaySwap: Bool = false
    ) throws -> (box: Double, score: Double) {
        let size = try size()
        let found = model.predict(Variable(images), frames: (0..<pictureCount).map { _ in PictureFrame(size) })
        var worst = (box: 0.0, score: 0.0)
        for (picture, detections) in found.enumerated() {
            let wanted = try boxes("\(picture).boxes")
            let labels = try tensor("\(picture).labels").ints()
            let scores = try tensor("\(picture).scores").doubles()
            let masks = try masks("\(picture).masks")
            var open = detections.instances
            #expect(open.count == wanted.count)
            if !tiesMaySwap { #expect(open.map { Int32($0.label) } == labels) }
            for index in wanted.indices {
                let matches = open.indices.filter { Int32(open[$0].label) == labels[index] }
                let nearest =
                    tiesMaySwap
                    ? matches.min {
                        open[$0].box.distance(to: wanted[index]) < open[$1].box.distance(to: wanted[index])
                    } : open.indices.first
                let instance = open.remove(
                    at: try #require(nearest, "picture \(picture), detection \(index): no such label"))
                let far = instance.box.distance(to: wanted[index])
                let apart = abs(Double(instance.score) - scores[index])
                #expect(far < boxTolerance && apart < scoreTolerance, "\(picture), \(index): \(far), \(apart)")
                worst = (max(worst.box, far), max(worst.score, apart))
                let pairs = zip(BinaryMask(instance.mask).pixels, masks[index].pixels)
                let others = pairs.count { ($0 != 0) != ($1 != 0) }
                #expect(others <= 1, "picture \(picture), detection \(index): \(others) pixels")
            }
        }
        return worst
    }

    /// The terms of the loss and the gradient of every parameter that has one there.
    func expectLossAndGradients(_ model: DetectionModel, _ images: Tensor) throws {
        let tape = Tape()
        let terms = model.loss(Variable(images), try targets(), frozen: false, Forward(mode: .training, tape: tape))
        let wanted = tensors(below: "loss.")
        #expect(Set(terms.map(\.name)) == Set(wanted.keys))
        for term in terms {
            let expected = try #require(wanted[term.name]).doubles()[0]
            #expect(abs(term.weight * term.value.item() - expected) <= 1e-5 * max(1, abs(expected)), "\(term.name)")
        }
        tape.backward(LossTerm.total(terms))
        let gradients = tensors(below: "gradient.")
        var checked = 0
        for entry in model.stateEntries() {
            guard case .parameter(let parameter) = entry.storage, let golden = gradients[entry.name] else { continue }
            let found = try #require(parameter.gradient, "\(entry.name)")
            #expect(found.shape == golden.shape, "\(entry.name)")
            // Relative to the largest value of the parameter's gradient; a bias before batch normalisation has none, and
            // either side finds its own rounding of zero.
            let comparison = Comparison(found.doubles(), golden.doubles(), tolerance: 1e-4, floor: 5e-4)
            #expect(comparison.isWithinBounds, "\(entry.name): \(comparison)")
            checked += 1
            parameter.gradient = nil
        }
        #expect(checked == gradients.count && checked > 20)
    }

    /// The total loss of each of the reference's AdamW steps.
    ///
    /// - Parameter jumps: how many steps may differ by one region's share: where a region lies at a threshold, the last bit
    ///   of a sum decides which side it falls on. The steps before and after must agree.
    func expectSteps(
        _ model: DetectionModel, _ images: Tensor, rate: Double, jumps: (count: Int, share: Double) = (0, 0)
    ) throws {
        var jumped = 0
        let optimizer = AdamW(ParameterGroup.decayed(model.stateEntries(), weightDecay: 0.05))
        let targets = try targets()
        for (step, expected) in try tensor("steps").doubles().enumerated() {
            let tape = Tape()
            let total = LossTerm.total(
                model.loss(Variable(images), targets, frozen: false, Forward(mode: .training, tape: tape)))
            let found = total.item()
            if abs(found - expected) > 1e-4 * abs(expected) && jumped < jumps.count {
                jumped += 1
                #expect(abs(found - expected) <= jumps.share, "step \(step): \(found), expected \(expected)")
            } else {
                #expect(abs(found - expected) <= 1e-4 * abs(expected), "step \(step): \(found), expected \(expected)")
            }
            tape.backward(total)
            optimizer.step(learningRate: rate, clipNorm: nil)
            optimizer.zeroGradients()
        }
    }
}

extension Box {
    /// The largest difference of a coordinate, in pixels.
    fileprivate func distance(to other: Box) -> Double {
        max(abs(x0 - other.x0), abs(y0 - other.y0), abs(x1 - other.x1), abs(y1 - other.y1))
    }
}
