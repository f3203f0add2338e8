import NeuralLayers
import TensorCore

/// The layers of `NeuralLayers` in ONNX's operators. `prefix` is a layer's checkpoint name with its final dot; maps are
/// `(N, C, H, W)`.
extension ONNXGraph {
    /// Where a node reads a part of a value: `x[…, range, …]` along one axis.
    mutating func slice(_ x: String, axis: Int, _ range: Range<Int>, as output: String? = nil) -> String {
        let bounds = [integers([range.lowerBound]), integers([range.upperBound]), integers([axis])]
        return add("Slice", [x] + bounds, as: output)
    }

    mutating func reshape(_ x: String, _ shape: [Int], as output: String? = nil) -> String {
        add("Reshape", [x, integers(shape)], as: output)
    }

    mutating func transpose(_ x: String, _ order: [Int]) -> String { add("Transpose", [x], [("perm", .ints(order))]) }

    /// `x Wᵀ + b` on the last axis.
    ///
    /// - Parameter bias: the name of a value; the layer's own, where it has one, unless given.
    mutating func linear(_ x: String, _ prefix: String, bias: String? = nil, as output: String? = nil) -> String {
        let weight = transpose(parameter(prefix + "weight"), [1, 0])
        guard let bias = bias ?? (has(prefix + "bias") ? parameter(prefix + "bias") : nil) else {
            return add("MatMul", [x, weight], as: output)
        }
        let product = add("MatMul", [x, weight])
        return add("Add", [product, bias], as: output)
    }

    /// Layer normalisation of the last axis.
    mutating func layerNorm(_ x: String, _ prefix: String, epsilon: Float = 1e-6) -> String {
        add(
            "LayerNormalization", [x, parameter(prefix + "weight"), parameter(prefix + "bias")],
            [("axis", .int(-1)), ("epsilon", .float(epsilon))])
    }

    /// Batch normalisation with running statistics; scale 1 and shift 0 where the layer has none.
    ///
    /// - Parameter x: `(N, C, …)`.
    mutating func batchNorm(_ x: String, _ prefix: String, epsilon: Float = 1e-5) -> String {
        let statistics = [parameter(prefix + "running_mean"), parameter(prefix + "running_var")]
        let channels = shape(of: prefix + "running_mean")
        let affine =
            has(prefix + "weight")
            ? [parameter(prefix + "weight"), parameter(prefix + "bias")]
            : [
                constant(.tensor(.full(channels, 1)), name: "ones.\(channels[0])"),
                constant(.tensor(.zeros(channels)), name: "zeros.\(channels[0])"),
            ]
        return add("BatchNormalization", [x] + affine + statistics, [("epsilon", .float(epsilon))])
    }

    mutating func convolution(_ x: String, _ prefix: String, stride: Int = 1, padding: Int = 0) -> String {
        var inputs = [x, parameter(prefix + "weight")]
        if has(prefix + "bias") { inputs.append(parameter(prefix + "bias")) }
        let kernel = Array(shape(of: prefix + "weight")[2...])
        return add(
            "Conv", inputs,
            [
                ("kernel_shape", .ints(kernel)), ("strides", .ints([stride, stride])),
                ("pads", .ints([padding, padding, padding, padding])),
            ])
    }

    /// Convolution, batch normalisation, ReLU: names `conv.weight`, `bn.*`.
    mutating func normedConvolution(_ x: String, _ prefix: String) -> String {
        let padding = shape(of: prefix + "conv.weight")[2] / 2
        let normed = batchNorm(convolution(x, prefix + "conv.", padding: padding), prefix + "bn.")
        return add("Relu", [normed])
    }

    /// Transposed convolution, kernel 2, stride 2.
    mutating func doubled(_ x: String, _ prefix: String) -> String {
        var inputs = [x, parameter(prefix + "weight")]
        if has(prefix + "bias") { inputs.append(parameter(prefix + "bias")) }
        return add("ConvTranspose", inputs, [("kernel_shape", .ints([2, 2])), ("strides", .ints([2, 2]))])
    }

    /// `x Φ(x)` with the error function.
    mutating func gelu(_ x: String) -> String {
        let inner = add("Erf", [add("Mul", [x, scalar(Float(0.5).squareRoot())])])
        return add("Mul", [add("Mul", [x, scalar(0.5)]), add("Add", [inner, scalar(1)])])
    }

    /// `x σ(x)`.
    mutating func silu(_ x: String) -> String { add("Mul", [x, add("Sigmoid", [x])]) }

    /// Bilinear resizing with half-pixel centres, not antialiased; nothing where the size is the same.
    mutating func resize(_ x: String, from: Int, to side: Int) -> String {
        if from == side { return x }
        let shape = add("Shape", [x], [("start", .int(0)), ("end", .int(2))])
        let sizes = add("Concat", [shape, integers([side, side])], [("axis", .int(0))])
        return add(
            "Resize", [x, "", "", sizes],
            [("mode", .text("linear")), ("coordinate_transformation_mode", .text("half_pixel"))])
    }

    /// Pixels repeated to a larger side: output pixel `i` is input pixel `floor(i · from / side)`.
    mutating func repeatedPixels(_ x: String, from: Int, to side: Int) -> String {
        if from == side { return x }
        let shape = add("Shape", [x], [("start", .int(0)), ("end", .int(2))])
        let sizes = add("Concat", [shape, integers([side, side])], [("axis", .int(0))])
        return add(
            "Resize", [x, "", "", sizes],
            [
                ("mode", .text("nearest")), ("coordinate_transformation_mode", .text("asymmetric")),
                ("nearest_mode", .text("floor")),
            ])
    }

    /// Means of a grid of `bins` x `bins` cells; cell `i` holds pixels `⌊i·side / bins⌋ ..< ⌈(i + 1)·side / bins⌉`.
    ///
    /// ONNX has no pooling into a fixed number of cells; two products with a constant give the same means.
    mutating func averagePool(_ x: String, from side: Int, to bins: Int) -> String {
        if bins == side { return x }
        var (rows, columns) = (
            [Float](repeating: 0, count: bins * side), [Float](repeating: 0, count: bins * side)
        )
        for bin in 0..<bins {
            let cell = bin * side / bins..<((bin + 1) * side + bins - 1) / bins
            for pixel in cell {
                rows[bin * side + pixel] = 1 / Float(cell.count)
                columns[pixel * bins + bin] = 1 / Float(cell.count)
            }
        }
        let left = constant(.tensor(Tensor(rows, [bins, side])), name: "pool.rows.\(side).\(bins)")
        let right = constant(.tensor(Tensor(columns, [side, bins])), name: "pool.columns.\(side).\(bins)")
        return add("MatMul", [add("MatMul", [left, x]), right])
    }

    mutating func concatenated(_ parts: [String], axis: Int) -> String {
        parts.count == 1 ? parts[0] : add("Concat", parts, [("axis", .int(axis))])
    }
}
