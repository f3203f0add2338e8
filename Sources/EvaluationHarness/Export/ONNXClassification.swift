import DenseHeads
import TensorCore

/// A classifier on tokens in ONNX's operators, as `ClassificationHead` does it.
struct ONNXClassification {
    let model: ClassificationModel
    let encoder: ONNXVisionTransformer

    init(_ model: ClassificationModel, encoder: ONNXVisionTransformer) {
        self.model = model
        self.encoder = encoder
    }

    /// Logits `(N, K)`, named `logits`.
    func logits(_ tokens: String, in graph: inout ONNXGraph) -> String {
        var x: String
        switch model.architecture.pooling {
        case .classToken: x = encoder.classToken(of: tokens, in: &graph)
        case .meanPatches: x = mean(of: tokens, in: &graph)
        case .classTokenAndMeanPatches:
            x = graph.concatenated(
                [encoder.classToken(of: tokens, in: &graph), mean(of: tokens, in: &graph)], axis: 1)
        }
        switch model.architecture.norm {
        case .none: break
        case .layer: x = graph.layerNorm(x, "classifier.fc_norm.")
        case .batch: x = graph.batchNorm(x, "classifier.bn.", epsilon: 1e-6)
        }
        return graph.linear(x, "classifier.head.", as: "logits")
    }

    /// The mean over patches: a product with equal weights, which every operator set writes the same way.
    private func mean(of tokens: String, in graph: inout ONNXGraph) -> String {
        let count = encoder.side * encoder.side
        let weights = graph.constant(
            .tensor(.full([1, count], 1 / Double(count))), name: "mean.\(count)")
        let mean = graph.add("MatMul", [weights, encoder.patches(of: tokens, in: &graph)])
        return graph.reshape(mean, [-1, model.backbone.width])
    }
}
