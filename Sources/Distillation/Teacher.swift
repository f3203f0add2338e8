import Autograd
import NeuralLayers
import TensorCore

/// The mean and standard deviation that pictures in 0...1 are normalised with, RGB.
public struct PixelNormalization: Sendable, Equatable {
    public var mean: [Double]
    public var deviation: [Double]

    /// - Precondition: three of each, deviations positive.
    public init(mean: [Double], deviation: [Double]) {
        precondition(
            mean.count == 3 && deviation.count == 3 && deviation.allSatisfy { $0 > 0 },
            "pixel normalisation with mean \(mean) and deviation \(deviation)")
        self.mean = mean
        self.deviation = deviation
    }

    /// What MAE, MoCo v3, iBOT and DINO were trained with.
    public static let imageNet = PixelNormalization(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
    /// Pictures as they are, in 0...1.
    public static let identity = PixelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])

    /// Pictures `(N, H, W, 3)` normalised with `other`, as this normalisation would have them.
    public func renormalized(_ images: Tensor, from other: PixelNormalization) -> Tensor {
        if self == other { return images }
        let running = BatchNormStatistics(channels: 3, dtype: images.dtype)
        let shift = (0..<3).map { (mean[$0] - other.mean[$0]) / other.deviation[$0] }
        let scale = (0..<3).map { deviation[$0] / other.deviation[$0] }
        running.mean = Tensor(shift, [3]).converted(to: images.dtype)
        running.variance = Tensor(scale.map { $0 * $0 }, [3]).converted(to: images.dtype)
        return Variable(images).batchNorm(nil, nil, running: running, training: false, epsilon: 0).value
    }
}

/// A teacher's last tokens for a batch, after its final norm.
public struct TeacherTokens {
    public var name: String
    /// `(N, C)`; f32, bf16 or f64.
    public var cls: Tensor
    /// `(N, T, C)`, row by row.
    public var patches: Tensor
    /// Queries, keys and values of the blocks asked for, side by side, `(N, 1 + T, 3C)` each.
    public var projections: [Tensor]
    public var grid: (height: Int, width: Int)

    public init(
        name: String, cls: Tensor, patches: Tensor, projections: [Tensor] = [], grid: (height: Int, width: Int)
    ) {
        precondition(
            cls.rank == 2 && patches.rank == 3 && patches.shape[0] == cls.shape[0] && patches.shape[2] == cls.shape[1]
                && patches.shape[1] == grid.height * grid.width,
            "tokens of \(name): class \(cls.shape), patches \(patches.shape), grid \(grid)")
        self.name = name
        self.cls = cls
        self.patches = patches
        self.projections = projections
        self.grid = grid
    }
}

/// A frozen network whose tokens a student learns from.
public final class Teacher {
    public let name: String
    public let backbone: any TokenBackbone
    /// What the network expects.
    public let normalization: PixelNormalization
    /// Round the operands of linear layers, convolutions and attention to bfloat16; sums stay in float. The weights of linear
    /// layers are kept so.
    public let bf16: Bool

    public var width: Int { backbone.width }

    /// Freezes the backbone; where `bf16`, its linear layers' weights are rounded for good.
    public init(
        name: String, _ backbone: any TokenBackbone, normalization: PixelNormalization = .imageNet, bf16: Bool = true
    ) {
        self.name = name
        self.backbone = backbone
        self.normalization = normalization
        self.bf16 = bf16
        if bf16 { backbone.freezeRounded() } else { backbone.freeze() }
    }

    /// The tokens of the last block after the final norm: in evaluation mode, without a gradient.
    ///
    /// - Parameters:
    ///   - images: `(N, H, W, 3)`.
    ///   - given: how `images` are normalised.
    ///   - projections: indices (from 0) of blocks whose queries, keys and values are wanted.
    public func tokens(
        of images: Tensor, normalizedWith given: PixelNormalization = .imageNet, projections: [Int] = []
    ) -> TeacherTokens {
        let inputs = Variable(normalization.renormalized(images, from: given))
        let tokens = backbone.tokens(
            of: inputs, TokenRequest(projections: projections), Forward(mode: .evaluation, bf16: bf16))
        return TeacherTokens(
            name: name, cls: tokens.classToken.value, patches: tokens.patches.value,
            projections: tokens.projections.map(\.value), grid: tokens.grid)
    }
}
