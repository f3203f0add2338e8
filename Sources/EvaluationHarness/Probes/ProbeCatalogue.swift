import DenseData
import DenseHeads
import SafeFiles
import VisionBackbones

/// The frozen protocols by name.
public enum ProbeProtocol: String, Sendable, CaseIterable {
    /// Segmentation, `linear`.
    case patches, dinov2
    case dinov2FourBlocks = "dinov2-4-blocks"
    case ibot
    case capiLogistic = "capi-logreg"
    /// Classification, `linear`.
    case dino
    /// Classification, `knn`.
    case knn
    /// Segmentation, `dense-knn`.
    case hummingbird
    case capi

    /// The protocols of a task, its default first.
    public static func all(of task: EvaluationTask) -> [ProbeProtocol] {
        switch task {
        case .linear: [.patches, .dinov2, .dinov2FourBlocks, .ibot, .capiLogistic, .dino]
        case .denseKNN: [.hummingbird, .capi]
        case .knn: [.knn]
        case .segment, .detect, .classify: []
        }
    }

    /// - Throws: `.configuration` for a name that the task does not have.
    static func named(_ name: String?, of task: EvaluationTask) throws(DataError) -> ProbeProtocol {
        let known = all(of: task)
        guard let name else { return known[0] }
        guard let found = known.first(where: { $0.rawValue == name }) else {
            throw DataError(
                .configuration, file: "options", record: "protocol",
                expected: "one of " + known.map(\.rawValue).joined(separator: ", "), found: name,
                remedy: "see dmt eval --help")
        }
        return found
    }

    /// Whole pictures instead of patches.
    var isOfPictures: Bool { self == .dino || self == .knn }

    /// Options that change something.
    var uses: [String] {
        switch self {
        case .patches: ["layers", "rates", "epochs", "batch"]
        case .dinov2, .dinov2FourBlocks, .ibot: ["layers", "rates", "steps", "batch"]
        case .capiLogistic: ["layers"]
        case .dino: ["rates", "epochs", "batch", "feature"]
        case .knn: ["k", "temperature", "feature"]
        case .hummingbird: ["layers", "k", "temperature", "memory"]
        case .capi: ["layers", "k"]
        }
    }

    /// Where a number of this protocol comes from.
    var source: String {
        switch self {
        case .patches: "this project"
        case .dinov2, .dinov2FourBlocks: "DINOv2's linear head (BNHead), on cached features"
        case .ibot: "iBOT's linear segmentation, on cached features"
        case .capiLogistic, .capi: "CAPI's eval_segmentation.py"
        case .knn: "DINO's and iBOT's eval_knn.py"
        case .dino: "DINO's and iBOT's eval_linear.py, on cached features"
        case .hummingbird: "open-hummingbird-eval, arXiv:2306.01667"
        }
    }

    /// What is read from a backbone for segmentation.
    ///
    /// - Parameter layers: blocks from 1 instead of the protocol's own.
    /// - Throws: `.configuration` for a block that the backbone does not have.
    func request(depth: Int, layers: [Int]) throws(DataError) -> FeatureRequest {
        guard !layers.isEmpty else { return request(depth: depth) }
        guard layers.allSatisfy({ (1...depth).contains($0) }) else {
            throw DataError(
                .configuration, file: "options", record: "layers", expected: "blocks from 1 to \(depth)",
                found: "\(layers)", remedy: "name blocks that the checkpoint has")
        }
        return FeatureRequest(blocks: layers.map { $0 - 1 }, pooling: .patches)
    }

    private func request(depth: Int) -> FeatureRequest {
        let blocks =
            switch self {
            case .dinov2FourBlocks: Array(max(0, depth - 4)..<depth)
            case .ibot:
                // The reference names blocks of 12 and 24.
                depth == 12
                    ? [3, 5, 7, 11] : depth == 24 ? [7, 11, 15, 23] : VisionTransformer.evenTaps(depth: depth)
            default: [depth - 1]
            }
        return FeatureRequest(blocks: blocks, pooling: .patches)
    }

    /// How pictures are brought to the backbone's size.
    var filter: Resize.Filter {
        switch self {
        case .capi, .capiLogistic, .dino, .knn: .bicubicAntialiased
        default: .bilinearAntialiased
        }
    }

    /// The candidates of a segmentation protocol: one, or several that are chosen among.
    func candidates(_ options: ProbeOptions, pictures: Int, seed: UInt64) -> [any SegmentationProbe] {
        let rates = options.rates
        func head(_ steps: Int, _ change: (inout LinearHeadProbe) -> Void) -> [any SegmentationProbe] {
            let scaled = options.steps ?? LinearHeadProbe.scaledSteps(steps, pictures: pictures)
            var probe = LinearHeadProbe(
                steps: scaled, warmupSteps: Int(1500 * Double(scaled) / Double(steps)), seed: seed)
            probe.batchSize = options.batchSize ?? probe.batchSize
            change(&probe)
            return (rates.isEmpty ? [probe.learningRate] : rates).map { rate in
                var copy = probe
                copy.learningRate = rate
                return copy
            }
        }
        switch self {
        case .patches:
            return (rates.isEmpty ? [PatchProbe().learningRate] : rates).map { rate in
                var probe = PatchProbe(learningRate: rate, seed: seed)
                probe.epochs = options.epochs ?? probe.epochs
                probe.batchSize = options.batchSize ?? probe.batchSize
                return probe
            }
        case .dinov2, .dinov2FourBlocks: return head(40_000) { _ in }
        case .ibot:
            return head(160_000) { probe in
                probe.normalizes = false
                probe.learningRate = 8e-4
                probe.weightDecay = 0.05
            }
        case .capiLogistic: return LogisticProbe.grid.map { LogisticProbe(inverseRegularization: $0) }
        case .hummingbird:
            return (options.neighbours.isEmpty ? [30] : options.neighbours).map {
                RetrievalProbe(
                    neighbours: $0, temperature: options.temperature ?? 0.02, memory: options.memory, seed: seed)
            }
        case .capi:
            return (options.neighbours.isEmpty ? [1, 3, 10, 30] : options.neighbours).flatMap { count in
                NeighbourSearch.Measure.allCases.map { PatchVoteProbe(neighbours: count, measure: $0) }
            }
        case .dino, .knn: return []
        }
    }

    /// What stands for a picture unless the user says it: DINO's linear evaluation reads four blocks of networks
    /// narrower than ViT-B, the last block and its mean token of wider ones.
    func feature(width: Int) -> PictureFeature {
        self == .knn ? .classToken : width < 768 ? .fourClassTokens : .concatenated
    }

    /// The candidates of a classification protocol.
    func classCandidates(_ options: ProbeOptions, seed: UInt64) -> [any ClassProbe] {
        if self == .knn {
            return (options.neighbours.isEmpty ? [20] : options.neighbours).map {
                NeighbourClassProbe(neighbours: $0, temperature: options.temperature ?? 0.07)
            }
        }
        return (options.rates.isEmpty ? [0.001, 0.003, 0.01, 0.03, 0.1] : options.rates).map { rate in
            LinearClassProbe(
                learningRate: rate, epochs: options.epochs ?? 100, batchSize: options.batchSize ?? 128, seed: seed)
        }
    }
}
