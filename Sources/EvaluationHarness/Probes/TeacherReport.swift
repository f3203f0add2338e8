import DenseData
import DenseMetrics
import Distillation
import Geometry
import ImageFiles
import JSONText
import Reporting
import SafeFiles
import TensorCore
import VisionBackbones

/// What a pretrained network is worth before anything is distilled from it: frozen probes beside a random network of its
/// own shape, and how alike the networks' patch tokens are.
public struct TeacherReport {
    /// Frozen figures of one network.
    public struct Row: Sendable {
        public var name: String
        public var linearMeanIoU: Double
        public var knnClassToken: Double
        public var knnMeanToken: Double
    }

    /// Paths, or `shipped:NAME`.
    public var checkpoints: [String]
    public var data: String
    /// Labelled training scenes of the linear probe, and scenes compared for alignment.
    public var labelledScenes = 400
    /// The side that crops are shown at, a multiple of the patch.
    public var cropSide = 64
    public var seed: UInt64 = 0

    public init(checkpoints: [String], data: String) {
        self.checkpoints = checkpoints
        self.data = data
    }

    public func run(_ session: CommandSession) throws -> JSONValue {
        let networks = try checkpoints.map(TeacherFiles.path).map {
            (name: HeadTraining.stem($0), model: try ModelFile.loadBackbone($0))
        }
        let sets = try ProbeSets(data: data, labelledScenes: labelledScenes)
        var rows: [Row] = []
        var tokens: [(name: String, patches: Tensor)] = []
        let progress = session.progress("probe", total: networks.count * 2, unit: "network")
        for (name, model) in networks {
            let random = VisionTransformer(model.configuration, seed: seed)
            for (label, network) in [(name, model), ("random, shape of \(name)", random)] {
                try session.interrupt.check()
                let side = network.configuration.imageSize
                let train = FrozenFeatures(network, sets.train.map { PictureFit.square($0.picture, side: side) })
                if label == name { tokens.append((name, train.patches.reshaped([-1, network.width]))) }
                rows.append(try row(label, network, train, sets, side: side))
                progress.advance()
            }
        }
        progress.finish()
        var alignments: [JSONValue] = []
        for first in tokens.indices {
            for second in tokens.indices where second > first {
                let value = KernelAlignment.linear(tokens[first].patches, tokens[second].patches)
                alignments.append(
                    .object([
                        ("networks", .array([.string(tokens[first].name), .string(tokens[second].name)])),
                        ("linear_cka_patches", .init(finite: value)),
                    ]))
            }
        }
        return .object([
            ("schema_version", .int(1)), ("labelled_scenes", .int(Int64(sets.train.count))),
            ("validation_scenes", .int(Int64(sets.validation.count))),
            ("bank_crops", .int(Int64(sets.bank.count))), ("query_crops", .int(Int64(sets.queries.count))),
            ("crop_side", .int(Int64(cropSide))), ("seed", .string("\(seed)")), ("rows", .array(rows.map(Self.json))),
            ("alignment", .array(alignments)),
        ])
    }

    private func row(
        _ name: String, _ network: VisionTransformer, _ train: FrozenFeatures, _ sets: ProbeSets, side: Int
    ) throws -> Row {
        let test = FrozenFeatures(network, sets.validation.map { PictureFit.square($0.picture, side: side) })
        let grid = (height: train.grid.height, width: train.grid.width)
        let set = ProbeSet(
            store: TokenStore(train.patches), inputs: Array(sets.train.indices), grid: grid, side: side,
            classCount: sets.classCount, ignoreLabel: sets.ignoreLabel
        ) { sets.train[$0].labels }
        let probe = try PatchProbe(seed: seed).fit(set, shouldStop: { false })
        let maps = sets.validation.enumerated().map { index, sample in
            probe.labels(
                of: test.patches.rows(index..<index + 1).reshaped([-1, network.width]), grid: grid, side: side,
                output: ImageSize(height: sample.labels.height, width: sample.labels.width))
        }
        let coding = try LabelCoding(classCount: sets.classCount, ignoreLabel: Int(sets.ignoreLabel))
        var counter = SegmentationCounter(coding: coding)
        var evaluation = SegmentationEvaluation(classCount: sets.classCount)
        for (index, map) in maps.enumerated() {
            let counts = try counter.counts(prediction: map.values, label: sets.validation[index].labels.values)
            evaluation.add(counts, image: sets.validation[index].name)
        }
        let bank = FrozenFeatures(network, sets.bank.map { PictureFit.square($0.picture, side: cropSide) })
        let queries = FrozenFeatures(network, sets.queries.map { PictureFit.square($0.picture, side: cropSide) })
        let knn = [(bank.classTokens, queries.classTokens), (bank.meanTokens, queries.meanTokens)].map {
            bank, queries in
            let votes = NeighbourVotes(
                bank: bank.floats(), labels: sets.bank.map(\.label), width: network.width,
                classCount: sets.thingCount)
            let found = votes.rankings(queries: queries.floats(), limit: 1)
            return TopAccuracy.metric(rankings: found, labels: sets.queries.map(\.label)).value ?? 0
        }
        return Row(
            name: name, linearMeanIoU: evaluation.value(of: .mIoU) ?? 0, knnClassToken: knn[0], knnMeanToken: knn[1])
    }

    private static func json(_ row: Row) -> JSONValue {
        .object([
            ("network", .string(row.name)), ("linear_patch_mIoU", .double(row.linearMeanIoU)),
            ("knn_class_token", .double(row.knnClassToken)), ("knn_mean_token", .double(row.knnMeanToken)),
        ])
    }

    /// The tables for people.
    public static func text(_ document: JSONValue) -> String {
        tables(document).map(MarkdownRenderer().render).joined(separator: "\n")
    }

    /// The alignment of all networks as a matrix; nil for fewer than two.
    static func alignmentMap(_ document: JSONValue) -> HeatMap? {
        var names: [String] = []
        var values: [[String]: Double] = [:]
        for pair in document["alignment"]?.array ?? [] {
            let networks = (pair["networks"]?.array ?? []).compactMap(\.string)
            for name in networks where !names.contains(name) { names.append(name) }
            values[networks] = pair["linear_cka_patches"]?.double
            values[networks.reversed()] = pair["linear_cka_patches"]?.double
        }
        guard names.count > 1 else { return nil }
        let cells = names.map { row in
            names.map { column -> HeatMap.Cell in
                let value = row == column ? 1 : values[[row, column]]
                return .init(value: value, text: value.map { NumberText.fixed($0, digits: 2) } ?? "–")
            }
        }
        return HeatMap(
            title: "Linear CKA of patch tokens", rowLabel: "network", columnLabel: "network", valueLabel: "CKA",
            rows: names, columns: names, cells: cells)
    }

    /// Frozen figures, and alignment of each pair.
    static func tables(_ document: JSONValue) -> [ReportTable] {
        var networks = ReportTable(
            caption: "Frozen figures; each network stands beside a random one of its shape.",
            columns: [
                .init("network"), .init("linear patch mIoU", .right), .init("k-NN class token", .right),
                .init("k-NN mean token", .right),
            ])
        for row in document["rows"]?.array ?? [] {
            networks.add(
                [.text(row["network"]?.string ?? "")]
                    + ["linear_patch_mIoU", "knn_class_token", "knn_mean_token"].map { .number(row[$0]?.double) })
        }
        var pairs = ReportTable(
            caption: "Linear CKA of patch tokens.", columns: [.init("networks"), .init("CKA", .right)])
        for pair in document["alignment"]?.array ?? [] {
            let names = (pair["networks"]?.array ?? []).compactMap(\.string).joined(separator: ", ")
            pairs.add([.text(names), .number(pair["linear_cka_patches"]?.double)])
        }
        return [networks, pairs]
    }
}

/// The pictures that frozen figures are computed on.
private struct ProbeSets {
    let train: [SegmentationSample]
    let validation: [SegmentationSample]
    let bank: [ClassificationSample]
    let queries: [ClassificationSample]
    let thingCount: Int
    let classCount: Int
    let ignoreLabel: UInt16

    init(data: String, labelledScenes: Int) throws {
        let labelled = try TaskData(data, section: "segmentation", split: "train", listFile: nil).segmentation()
        let held = try TaskData(data, section: "segmentation", split: "val", listFile: nil).segmentation()
        train = try ParallelMap.map(min(labelledScenes, labelled.count)) { try labelled.sample(at: $0) }
        validation = try ParallelMap.map(held.count) { try held.sample(at: $0) }
        let crops = try TaskData(data, section: "classification", split: "train", listFile: nil).classification()
        let heldCrops = try TaskData(data, section: "classification", split: "val", listFile: nil).classification()
        bank = try ParallelMap.map(crops.count) { try crops.sample(at: $0) }
        queries = try ParallelMap.map(heldCrops.count) { try heldCrops.sample(at: $0) }
        thingCount = crops.info.classes.count
        classCount = labelled.info.classes.count
        ignoreLabel = labelled.info.ignoreLabel ?? 255
    }
}
