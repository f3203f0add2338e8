import Autograd
import Determinism
import Geometry
import NeuralLayers

/// A decoder, the pyramid below it and an auxiliary head beside it: what is trained on a backbone for semantic
/// segmentation. Checkpoint names `neck.*`, `decode_head.*`, `auxiliary_head.*`.
///
/// Logits are resized bilinearly to the label size for the loss. For predictions they are resized to the network's input,
/// cut to the picture, resized to the original size, and the largest wins (the first of equals).
public final class SemanticSegmenter<Decoder: SemanticDecoder>: DenseHead {
    public let neck: MultiTapPyramid?
    public let decoder: Decoder
    /// Trained beside the decoder; not used for predictions.
    public let auxiliary: FCNHead?
    /// The weight of the auxiliary loss.
    public let auxiliaryWeight: Double
    /// The target value of pixels that do not count; must lie outside `0..<classCount`.
    public let ignoreLabel: Int32
    public let averaging: LossAveraging

    /// What the summed pixel losses are divided by.
    public enum LossAveraging: Sendable {
        /// Pixels with a label.
        case labelledPixels
        /// All pixels, as mmsegmentation does unless told otherwise.
        case allPixels
    }

    public init(
        neck: MultiTapPyramid?, decoder: Decoder, auxiliary: FCNHead? = nil, auxiliaryWeight: Double = 0.4,
        ignoreLabel: Int32 = 255, averaging: LossAveraging = .labelledPixels
    ) throws(HeadConfigurationError) {
        guard ignoreLabel < 0 || ignoreLabel >= Int32(decoder.classCount) else {
            throw HeadConfigurationError(
                head: "SemanticSegmenter", expected: "an ignore label outside 0..<\(decoder.classCount)",
                found: "\(ignoreLabel)", remedy: "choose another ignore label, or fewer classes")
        }
        self.neck = neck
        self.decoder = decoder
        self.auxiliary = auxiliary
        self.auxiliaryWeight = auxiliaryWeight
        self.ignoreLabel = ignoreLabel
        self.averaging = averaging
    }

    public static var slots: [Slot<SemanticSegmenter<Decoder>>] {
        [.layer("neck", \.neck), .layer("decode_head", \.decoder), .layer("auxiliary_head", \.auxiliary)]
    }

    /// Logits on the decoder's grid, `(N, H', W', K)`.
    public func logits(_ features: FeatureMaps, _ forward: Forward) -> Variable {
        decoder(neck?(features, forward) ?? features, forward)
    }

    /// Terms `seg` and, with an auxiliary head, `seg_aux`.
    ///
    /// - Parameter targets: one a picture, all of one size (pad with the ignore label).
    public func loss(_ features: FeatureMaps, _ targets: [SemanticLabels], _ forward: Forward) -> [LossTerm] {
        let maps = neck?(features, forward) ?? features
        var terms = [LossTerm(name: "seg", value: crossEntropy(decoder(maps, forward), targets, forward))]
        if let auxiliary {
            let value = crossEntropy(auxiliary(maps, forward), targets, forward)
            terms.append(LossTerm(name: "seg_aux", value: value, weight: auxiliaryWeight))
        }
        return terms
    }

    private func crossEntropy(_ logits: Variable, _ targets: [SemanticLabels], _ forward: Forward) -> Variable {
        precondition(
            targets.count == logits.shape[0] && !targets.isEmpty, "\(targets.count) targets for logits \(logits.shape)")
        let size = targets[0].size
        precondition(targets.allSatisfy { $0.size == size }, "targets of several sizes: \(targets.map(\.size))")
        let labels = targets.flatMap(\.labels)
        let counted = labels.reduce(0) { $0 + ($1 == ignoreLabel ? 0 : 1) }
        let divisor = averaging == .labelledPixels ? forward.meanCount(counted) : Double(max(counted, 1))
        let mean = logits.resizedCrossEntropy(
            to: (size.height, size.width), labels: labels, ignore: ignoreLabel, divisor: divisor)
        return averaging == .labelledPixels ? mean : mean.scaled(by: Double(counted) / Double(labels.count))
    }

    public func predict(_ features: FeatureMaps, sizes: [PictureFrame], _ forward: Forward) -> [SemanticLabels] {
        precondition(!features.maps.isEmpty, "SemanticSegmenter without a map")
        let input = features.inputSize
        let logits = logits(features, forward)
        precondition(sizes.count == logits.shape[0], "\(sizes.count) sizes for logits \(logits.shape)")
        return sizes.enumerated().map { picture, frame in
            let one = logits.sliced(axis: 0, picture..<picture + 1)
            return Self.labels(one, input: input, frame: frame)
        }
    }

    /// The winning classes of one picture.
    ///
    /// - Parameters:
    ///   - logits: `(1, H', W', K)` over the whole network input.
    ///   - input: the network's input, padding included.
    public static func labels(_ logits: Variable, input: ImageSize, frame: PictureFrame) -> SemanticLabels {
        SemanticLabels(largestOf: values(logits, input: input, frame: frame))
    }

    /// Logits of one picture at its own size, `(1, H, W, K)`; or, with `softmaxFirst`, probabilities that are resized.
    public static func values(
        _ logits: Variable, input: ImageSize, frame: PictureFrame, softmaxFirst: Bool = false
    ) -> Variable {
        let content = frame.content
        precondition(
            content.height <= input.height && content.width <= input.width, "picture \(content) in an input of \(input)"
        )
        var values = logits.detached().resizedBilinear(to: (input.height, input.width))
        if content != input {
            values = values.sliced(axis: 1, 0..<content.height).sliced(axis: 2, 0..<content.width)
        }
        if softmaxFirst { values = values.softmax() }
        return values.resizedBilinear(to: (frame.output.height, frame.output.width))
    }
}

extension SemanticLabels {
    /// The class of the largest value of each pixel of `(1, H, W, K)`, the first of equals.
    public init(largestOf values: Variable) {
        let size = ImageSize(height: values.shape[1], width: values.shape[2])
        self.init(size: size, labels: ArgMax.rows(values.value))
    }
}

/// UPerNet.
public typealias UPerNet = SemanticSegmenter<UPerHead>
/// A linear probe of frozen features.
public typealias LinearSegmenter = SemanticSegmenter<LinearHead>

extension FeatureMaps {
    /// The network's input size that the first map stands for.
    var inputSize: ImageSize {
        let (spec, map) = maps[0]
        return ImageSize(height: map.shape[1] * spec.stride, width: map.shape[2] * spec.stride)
    }
}
