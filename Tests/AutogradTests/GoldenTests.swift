import Autograd
import CKernels
import TensorCore
import TestSupport
import Testing

/// Whole tensors, forward and backward, against another implementation: see `Fixtures/generate.py`.
@Suite struct GoldenTests {
    /// f32 bound in roundings of 2^-24 of the largest value: sums of up to 64 terms, forward then backward.
    private static let singleRoundings = 128.0

    /// The operation a case is for, on inputs in the order of `inputNames`.
    private func operation(_ golden: Fixture) throws -> (inputs: [String], apply: ([Variable]) throws -> Variable)? {
        func number(_ name: String) throws -> Int { Int(try golden.attribute(name)) }
        func like(_ name: String, _ x: Variable) throws -> Tensor {
            try golden.tensor(name).converted(to: x.value.dtype)
        }
        switch golden.name {
        case "layer_norm":
            let epsilon = try golden.attribute("epsilon")
            return (["x", "gamma", "beta"], { $0[0].layerNorm($0[1], $0[2], epsilon: epsilon) })
        case "gelu": return (["x"], { $0[0].gelu() })
        case "log_softmax": return (["x"], { $0[0].logSoftmax() })
        case "attention", "attention_long":
            return (["qkv"], { $0[0].attention(heads: try number("heads")) })
        case let name where name.hasPrefix("conv2d"):
            return (
                ["x", "weight", "bias"],
                { $0[0].conv2d($0[1], $0[2], stride: try number("stride"), padding: try number("padding")) }
            )
        case "conv_transpose": return (["x", "weight", "bias"], { $0[0].convTranspose2x2($0[1], $0[2]) })
        case "batch_norm_train", "batch_norm_eval":
            let training = try number("training") == 1
            return (
                ["x", "gamma", "beta"],
                { v in
                    let running = BatchNormStatistics(channels: 7, dtype: v[0].value.dtype)
                    running.mean = try like("running_mean", v[0]).copy()
                    running.variance = try like("running_variance", v[0]).copy()
                    let y = v[0].batchNorm(v[1], v[2], running: running, training: training)
                    compare(running.mean, try golden.tensor("after_mean"), "\(golden.name) running mean")
                    compare(running.variance, try golden.tensor("after_variance"), "\(golden.name) running variance")
                    return y
                }
            )
        case let name where name.hasPrefix("bilinear"):
            return (["x"], { $0[0].resizedBilinear(to: (try number("height"), try number("width"))) })
        case let name where name.hasPrefix("bicubic"):
            return (
                ["x"],
                { v in
                    let size = (try number("height"), try number("width"))
                    let map = v[0].reshaped(Array(v[0].shape.dropFirst()))
                    return map.resizedBicubic(to: size).reshaped([1, size.0, size.1, v[0].shape[3]])
                }
            )
        case "adaptive_average_pool":
            return (["x"], { $0[0].adaptiveAveragePool(to: (try number("height"), try number("width"))) })
        case "max_pool": return (["x"], { $0[0].maxPool(size: try number("size"), stride: try number("stride")) })
        case "cross_entropy":
            let labels = try golden.ints("labels")
            return (["x"], { $0[0].crossEntropy(labels: labels, ignore: Int32(try number("ignore"))) })
        case "soft_cross_entropy": return (["x"], { $0[0].softCrossEntropy(targets: try like("target", $0[0])) })
        case "smooth_l1", "l1":
            return (["x"], { $0[0].smoothL1(try like("target", $0[0]), beta: try golden.attribute("beta")) })
        case "binary_cross_entropy":
            return (
                ["x"],
                {
                    $0[0].bceWithLogits(
                        targets: try like("target", $0[0]), elementWeights: try like("weight", $0[0]))
                }
            )
        case "cosine": return (["x"], { $0[0].cosineLoss(try like("target", $0[0])) })
        case "mean_squared_error": return (["x"], { $0[0].meanSquaredError(try like("target", $0[0])) })
        case "roi_align_sampling0", "roi_align_sampling2":
            let boxes = try golden.tensor("boxes")
            let rois = (0..<boxes.shape[0]).map { r in
                let b = Array(boxes.doubles()[r * 5..<r * 5 + 5])
                return ROI(image: Int(b[0]), level: 0, box: (b[1], b[2], b[3], b[4]))
            }
            return (
                ["x"],
                {
                    .roiAlign(
                        levels: $0, rois: rois, size: try number("size"), samplingRatio: try number("sampling"),
                        strides: [try number("stride")])
                }
            )
        default: return nil
        }
    }

    private func compare(_ found: Tensor, _ expected: Tensor, _ what: String) {
        #expect(found.shape == expected.shape, "\(what): \(found.shape)")
        let bound = found.dtype == .f64 ? Tolerance.goldenDouble : Self.singleRoundings * Tolerance.roundingSingle
        let difference = Comparison(found.doubles(), expected.doubles(), tolerance: bound, floor: 0.01)
        #expect(difference.isWithinBounds, "\(what) in \(found.dtype): \(difference)")
    }

    @Test(arguments: [DType.f64, .f32]) func operationsMatchTheReference(dtype: DType) throws {
        var checked = 0
        for golden in try Fixture.all(beside: #filePath) where golden.name != "adamw" {
            guard let (names, apply) = try operation(golden) else {
                Issue.record("no operation for the golden case \(golden.name)")
                continue
            }
            let inputs = try names.map { try golden.tensor($0).converted(to: dtype) }
            let expected = try golden.tensor("y")
            compare(try apply(inputs.map { Variable($0) }).value, expected, "\(golden.name) y")
            let projection = golden.has("dy") ? try golden.tensor("dy") : Tensor.full(expected.shape, 1, .f64)
            var failure: (any Error)?
            let gradients = GradientCheck.gradients(inputs, projection: projection.converted(to: dtype)) { inputs in
                do { return try apply(inputs) } catch {
                    failure = error
                    return inputs[0]
                }
            }
            if let failure { throw failure }
            for (name, gradient) in zip(names, gradients) {
                compare(gradient, try golden.tensor("d_\(name)"), "\(golden.name) d_\(name)")
            }
            checked += 1
        }
        #expect(checked == 29)
    }

    @Test(arguments: [DType.f64, .f32]) func adamWMatchesTheReference(dtype: DType) throws {
        let golden = try #require(try Fixture.all(beside: #filePath).first { $0.name == "adamw" })
        let (beta1, beta2) = (try golden.attribute("beta1"), try golden.attribute("beta2"))
        let p = try golden.tensor("start").converted(to: dtype).copy()
        let (m, v) = (Tensor.zeros(p.shape, dtype), Tensor.zeros(p.shape, dtype))
        let gradients = try golden.tensor("gradients").converted(to: dtype)
        let after = try golden.tensor("after")
        var (power1, power2) = (1.0, 1.0)
        for step in 0..<after.shape[0] {
            power1 *= beta1
            power2 *= beta2
            Kernels.table(dtype).pointee.adamw(
                p.raw, gradients.rows(step..<step + 1).raw, m.raw, v.raw, p.count, try golden.attribute("rate"), beta1,
                beta2, try golden.attribute("epsilon"), try golden.attribute("decay"), 1 - power1, 1 - power2, 1)
            compare(p, after.rows(step..<step + 1).reshaped(p.shape), "adamw step \(step)")
        }
    }
}
