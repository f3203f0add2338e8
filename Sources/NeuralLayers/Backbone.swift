import Autograd
import TensorCore

/// One map of a backbone: its name, channels and input pixels a map pixel.
public struct FeatureSpec: Hashable, Sendable {
    public var name: String
    public var channels: Int
    public var stride: Int

    public init(name: String, channels: Int, stride: Int) {
        self.name = name
        self.channels = channels
        self.stride = stride
    }
}

/// Maps `(N, H, W, C)` with their specs, in the backbone's order.
public struct FeatureMaps {
    public var maps: [(spec: FeatureSpec, map: Variable)]

    public init(_ maps: [(spec: FeatureSpec, map: Variable)]) { self.maps = maps }
}

/// A network that turns pictures into feature maps.
public protocol Backbone: Layer {
    /// The maps that `features` returns; the order is part of the contract.
    var featureSpecs: [FeatureSpec] { get }
    /// Height and width of the input must be multiples of this.
    var sizeDivisor: Int { get }
    /// - Parameter images: `(N, H, W, 3)`, normalised.
    func features(of images: Variable, _ forward: Forward) -> FeatureMaps
}

/// What a ViT computes for a batch.
public struct Tokens {
    /// After the final norm, `(N, C)`.
    public var classToken: Variable
    /// After the final norm, `(N, T, C)`: all patches row by row, or the visible ones in the order asked for.
    public var patches: Variable
    /// Block outputs asked for, `(N, 1 + T, C)` each, before the final norm.
    public var taps: [Variable]
    /// Queries, keys and values of the blocks asked for, side by side, `(N, 1 + T, 3C)` each; bfloat16 where products are.
    public var projections: [Variable]
    /// Patches down and across.
    public var grid: (height: Int, width: Int)

    public init(
        classToken: Variable, patches: Variable, taps: [Variable] = [], projections: [Variable] = [],
        grid: (height: Int, width: Int)
    ) {
        self.classToken = classToken
        self.patches = patches
        self.taps = taps
        self.projections = projections
        self.grid = grid
    }
}

/// What a token backbone is asked for beside its last tokens, and which patches it sees.
public struct TokenRequest {
    /// Per picture the indices of the patches that enter, equally many each; `nil` for all.
    public var visible: [[Int32]]?
    /// Per picture the patches replaced by `token`; `nil` for none.
    public var masked: (patches: [[Int32]], token: Variable)?
    /// Indices (from 0) of blocks whose outputs are wanted.
    public var taps: [Int]
    /// Indices (from 0) of blocks whose queries, keys and values are wanted.
    public var projections: [Int]

    public init(
        visible: [[Int32]]? = nil, masked: (patches: [[Int32]], token: Variable)? = nil, taps: [Int] = [],
        projections: [Int] = []
    ) {
        self.visible = visible
        self.masked = masked
        self.taps = taps
        self.projections = projections
    }
}

/// A backbone of tokens: a ViT with a class token.
public protocol TokenBackbone: Layer {
    var width: Int { get }
    var patchSize: Int { get }
    var depth: Int { get }
    var headCount: Int { get }
    /// - Parameter images: `(N, H, W, 3)`, normalised.
    func tokens(of images: Variable, _ request: TokenRequest, _ forward: Forward) -> Tokens
}

extension TokenBackbone {
    public func tokens(of images: Variable, _ forward: Forward) -> Tokens {
        tokens(of: images, TokenRequest(), forward)
    }
}

/// One named, weighted term of a loss.
public struct LossTerm {
    public var name: String
    public var value: Variable
    public var weight: Double

    public init(name: String, value: Variable, weight: Double = 1) {
        self.name = name
        self.value = value
        self.weight = weight
    }

    /// `Σ weight · value`.
    public static func total(_ terms: [LossTerm]) -> Variable {
        Variable.weightedSum(terms.map { ($0.value, $0.weight) })
    }
}

/// A head on a backbone's maps.
public protocol DenseHead: Layer {
    associatedtype Target
    associatedtype Prediction
    associatedtype OutputSize
    func loss(_ features: FeatureMaps, _ targets: [Target], _ forward: Forward) -> [LossTerm]
    /// - Parameter sizes: the size of each picture that predictions are made for.
    func predict(_ features: FeatureMaps, sizes: [OutputSize], _ forward: Forward) -> [Prediction]
}
