import Foundation
import NeuralLayers

/// Learning rates that fall towards the input of a pretrained ViT.
///
/// Class token, positions and patch projection are layer 0, block `i` is layer `i + 1`, everything else (final norm and
/// heads) is layer `depth + 1`; a layer learns at `rate^(depth + 1 − layer)` of the base rate.
///
/// - Source: Bao et al. 2021, arXiv:2106.08254; mmsegmentation's `layer_decay_optimizer_constructor.py`. As there,
///   decay of
///   weights spares biases and norms alone: class token and trained positions do decay.
public struct LayerDecay: Sendable, Equatable {
    public var depth: Int
    /// 1 gives every layer the base rate.
    public var rate: Double

    public init(depth: Int, rate: Double) {
        self.depth = depth
        self.rate = rate
    }

    /// The layer of a parameter of a whole model, `backbone.blocks.3.norm1.weight` for instance.
    public func layer(of name: String) -> Int {
        guard name.hasPrefix("backbone.") else { return depth + 1 }
        let inner = name.dropFirst("backbone.".count)
        if inner.hasPrefix("cls_token") || inner.hasPrefix("pos_embed") || inner.hasPrefix("patch_embed") { return 0 }
        let parts = inner.split(separator: ".")
        if parts.count > 1, parts[0] == "blocks", let block = Int(parts[1]) { return block + 1 }
        return depth + 1
    }

    /// The factor on the base rate.
    public func scale(of name: String) -> Double { pow(rate, Double(depth + 1 - layer(of: name))) }

    /// Groups of a model's trainable parameters for an optimizer.
    public func groups(_ model: some Layer, weightDecay: Double) -> [ParameterGroup] {
        ParameterGroup.decayed(model.stateEntries(), weightDecay: weightDecay, scale: scale)
    }
}
