import NeuralLayers
import SelfSupervision
import VisionBackbones

/// The way a teacher learns without labels.
public enum PretrainingMethod: String, Sendable, CaseIterable {
    case mae, mocov3, ibot
}

/// Everything that decides a pretraining run.
public struct PretrainingSettings: Sendable {
    public var method: PretrainingMethod
    public var backbone: ViTConfiguration
    public var batchSize = 64
    public var steps = 1000
    public var warmupSteps = 100
    public var learningRate = 1e-3
    public var weightDecay = 0.05
    public var clipNorm: Double? = 3
    public var seed: UInt64 = 0
    public var snapshots = SnapshotPlan()

    /// The (global) training views.
    public var views = ViewFraming(size: 96, scale: 0.5...1)
    /// Side of the canvas on which MoCo v3's views are laid; `nil` shows each view alone.
    public var canvasSide: Int?
    /// Of the contrastive and self-distilling methods; MAE changes no colours.
    public var colour = ColourAugmentation()

    // MAE
    public var maskRatio = 0.75
    public var decoderWidth = 96
    public var decoderDepth = 2

    // MoCo v3
    public var hiddenWidth = 512
    public var outputWidth = 128
    public var temperature = 0.2
    public var momentum = 0.99
    public var pooling = ContrastPooling.classToken

    // iBOT
    public var localViews = 4
    public var local = ViewFraming(size: 32, scale: 0.1...0.4)
    public var bottleneck = 64
    public var batchNormInHead = true
    public var ibot = IBOTConfiguration()
    public var teacherTemperatureWarmupSteps = 0
    public var teacherTemperatureStart = 0.04

    public init(method: PretrainingMethod, backbone: ViTConfiguration) {
        self.method = method
        self.backbone = backbone
    }
}
