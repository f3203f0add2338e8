import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// Pooled tokens, a norm and a linear classifier.
public final class ClassificationHead: Layer {
    /// What stands for the picture.
    public enum Pooling: String, Sendable, CaseIterable {
        case classToken
        /// The mean over patches.
        case meanPatches
        /// Both, side by side (DINOv2's linear evaluation).
        case classTokenAndMeanPatches
    }

    /// What comes between pooling and classifier.
    public enum Norm: String, Sendable, CaseIterable {
        case none
        /// timm's `fc_norm`.
        case layer
        /// Without scale and shift: MAE's linear probe.
        case batch
    }

    public let classCount: Int
    public let pooling: Pooling
    private let layerNorm: LayerNorm?
    private let batchNorm: BatchNorm?
    private let classifier: Linear

    /// - Parameters:
    ///   - width: channels of a token.
    ///   - initialization: of the classifier's weight; its bias starts at 0.
    public init(
        width: Int, classCount: Int, pooling: Pooling = .meanPatches, norm: Norm = .layer,
        initialization: Initialization = .truncatedNormal(0.01), _ stream: inout RandomStream
    ) throws(HeadConfigurationError) {
        guard width >= 1, classCount >= 1 else {
            throw HeadConfigurationError(
                head: "ClassificationHead", expected: "a positive width and class count",
                found: "\(width), \(classCount)", remedy: "read both from the backbone and the data set")
        }
        self.classCount = classCount
        self.pooling = pooling
        let inputs = pooling == .classTokenAndMeanPatches ? 2 * width : width
        layerNorm = norm == .layer ? LayerNorm(inputs) : nil
        batchNorm = norm == .batch ? BatchNorm(inputs, affine: false, epsilon: 1e-6) : nil
        classifier = Linear(inputs, classCount, initialization: initialization, &stream)
    }

    public static var slots: [Slot<ClassificationHead>] {
        [.layer("fc_norm", \.layerNorm), .layer("bn", \.batchNorm), .layer("head", \.classifier)]
    }

    /// - Returns: logits `(N, classCount)`.
    public func callAsFunction(_ tokens: Tokens, _ forward: Forward) -> Variable {
        let pooled: Variable
        switch pooling {
        case .classToken: pooled = tokens.classToken
        case .meanPatches: pooled = tokens.patches.meanOverAxis1()
        case .classTokenAndMeanPatches:
            pooled = .concatenated([tokens.classToken, tokens.patches.meanOverAxis1()], axis: 1)
        }
        let normed = layerNorm?(pooled, forward) ?? batchNorm?(pooled, forward) ?? pooled
        return classifier(normed, forward)
    }

    /// The mean cross entropy of mixed or smoothed targets `(N, K)`.
    public func loss(_ tokens: Tokens, targets: Tensor, _ forward: Forward) -> [LossTerm] {
        [LossTerm(name: "classification", value: self(tokens, forward).softCrossEntropy(targets: targets))]
    }

    /// The mean cross entropy of whole labels.
    public func loss(_ tokens: Tokens, _ labels: [Int32], _ forward: Forward) -> [LossTerm] {
        [LossTerm(name: "classification", value: self(tokens, forward).crossEntropy(labels: labels))]
    }
}
