/// How the operands of linear layers and convolutions are held while they are multiplied; everything else is f32.
public enum ProductPrecision: String, Sendable, CaseIterable {
    case f32
    /// Rounded to bfloat16, forward and backward; sums, parameters, gradients and attention stay in f32.
    ///
    /// - Source: Micikevicius et al. 2018, arXiv:1710.03740, §3.1: f32 master weights.
    case bf16
}
