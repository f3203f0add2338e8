import NeuralLayers
import SafeFiles

/// Which rule a training steps by, with its own numbers.
public enum OptimizerSettings: Sendable, Equatable {
    case adamw(betas: [Double])
    case sgd(momentum: Double, nesterov: Bool)
    case lars(momentum: Double)

    /// AdamW with PyTorch's numbers.
    public static let usual = OptimizerSettings.adamw(betas: [0.9, 0.999])

    private enum Name: String, CaseIterable { case adamw, sgd, lars }

    /// Reads `optimizer`, `betas`, `momentum` and `nesterov` among the `training:` keys of a recipe.
    ///
    /// - Parameter fallback: where the recipe names no optimizer; its numbers also complete a recipe that names it.
    init(_ reader: RecipeReader, default fallback: OptimizerSettings) throws(DataError) {
        let name = try reader.choice("optimizer", default: fallback.name)
        let owners: [(key: String, names: [Name])] = [
            ("betas", [.adamw]), ("momentum", [.sgd, .lars]), ("nesterov", [.sgd]),
        ]
        for (key, names) in owners where !names.contains(name) && reader.has(key) {
            throw reader.refused(
                key, expected: "training.optimizer \(names.map(\.rawValue).joined(separator: " or ")) beside it",
                found: name.rawValue, "remove it or choose that optimizer")
        }
        switch name {
        case .adamw:
            var betas = [0.9, 0.999]
            if case .adamw(let own) = fallback { betas = own }
            betas = try reader.value("betas", default: betas)
            guard betas.count == 2, betas.allSatisfy({ (0..<1).contains($0) }) else {
                throw reader.refused(
                    "betas", expected: "two numbers from 0 to below 1", found: "\(betas)", "0.9 and 0.999 are usual")
            }
            self = .adamw(betas: betas)
        case .sgd:
            self = .sgd(
                momentum: try Self.momentum(reader), nesterov: try reader.value("nesterov", default: false))
        case .lars: self = .lars(momentum: try Self.momentum(reader))
        }
    }

    private static func momentum(_ reader: RecipeReader) throws(DataError) -> Double {
        try reader.double("momentum", in: 0...0.9999, default: 0.9)
    }

    private var name: Name {
        switch self {
        case .adamw: .adamw
        case .sgd: .sgd
        case .lars: .lars
        }
    }

    func make(_ groups: [ParameterGroup]) -> any Optimizer {
        switch self {
        case .adamw(let betas): AdamW(groups, betas: (betas[0], betas[1]))
        case .sgd(let momentum, let nesterov): SGD(groups, momentum: momentum, nesterov: nesterov)
        case .lars(let momentum): LARS(groups, momentum: momentum)
        }
    }

    /// Values that it keeps for each value it trains.
    var momentCount: Int {
        switch self {
        case .adamw: 2
        case .sgd, .lars: 1
        }
    }

    /// For protocols: "AdamW", "SGD (momentum 0.9)".
    var words: String {
        switch self {
        case .adamw(let betas): betas == [0.9, 0.999] ? "AdamW" : "AdamW (betas \(betas[0]), \(betas[1]))"
        case .sgd(let momentum, let nesterov): "SGD (\(nesterov ? "Nesterov " : "")momentum \(momentum))"
        case .lars(let momentum): "LARS (momentum \(momentum))"
        }
    }
}
