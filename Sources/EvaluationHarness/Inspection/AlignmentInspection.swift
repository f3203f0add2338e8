import Autograd
import DenseData
import Distillation
import ImageFiles
import JSONText
import NeuralLayers
import Reporting
import SafeFiles
import TensorCore
import VisionBackbones

/// `dmt inspect alignment`: how alike the patch tokens of networks, or of their layers, are.
public struct AlignmentInspection: Sendable {
    public enum Estimator: String, Sendable, CaseIterable {
        /// Linear CKA; with fewer patches than channels it tends to 1.
        case linear
        /// The same from unbiased estimates.
        case unbiased
    }

    /// Backbones' files, or with `sources` published checkpoints.
    public var checkpoints: [String]
    /// One for all, or one a checkpoint; empty for backbones' own files.
    public var sources: [CheckpointSource] = []
    public var images: String
    /// Pixels a side that all networks see; the first network's own unless given.
    public var size: Int?
    /// Compares the layers of one network, or those of two, in place of the last tokens of all networks.
    public var comparesLayers = false
    public var estimator = Estimator.unbiased
    /// Patches that are compared, at equal distances among those of all pictures.
    public var patchLimit = 2048
    /// A folder, which is created.
    public var out: String

    public init(checkpoints: [String], images: String, out: String) {
        self.checkpoints = checkpoints
        self.images = images
        self.out = out
    }

    /// Tokens of one network, or of one of its layers: `(n, D)`.
    private struct Features {
        var name: String
        var rows: Tensor
    }

    /// Writes `alignment.svg`, `alignment.csv` and `alignment.json`.
    ///
    /// - Throws: `DataError` for checkpoints, pictures, networks whose patches do not correspond, and the output.
    public func run(_ session: CommandSession) throws -> JSONValue {
        guard !comparesLayers || (1...2).contains(checkpoints.count) else {
            throw refuse("one or two checkpoints with --layers", "\(checkpoints.count)")
        }
        guard comparesLayers || checkpoints.count >= 2 else {
            throw refuse("two checkpoints or more, or --layers", "\(checkpoints.count)")
        }
        guard sources.count <= 1 || sources.count == checkpoints.count else {
            throw refuse("one --source, or one for each checkpoint", "\(sources.count)")
        }
        let networks = try checkpoints.enumerated().map { index, path in
            try CheckpointFile.loadBackbone(path, source: sources.count > 1 ? sources[index] : sources.first)
        }
        let folder = try TokenPictures.folder(images)
        let side = size ?? networks[0].configuration.imageSize
        for (network, path) in zip(networks, checkpoints) {
            try network.demand(side: side)
            guard side / network.patchSize == side / networks[0].patchSize else {
                throw DataError(
                    .configuration, file: path, record: "patch size",
                    expected: "patches of \(networks[0].patchSize) pixels, as the first network",
                    found: "\(network.patchSize)", remedy: "compare networks of one patch size")
            }
        }
        let names = labels
        let progress = session.progress("tokens", total: networks.count * folder.count, unit: "picture")
        let features = try networks.enumerated().map { index, network in
            try tokens(network, names[index], folder, side) { progress.advance() }
        }
        progress.finish()
        let (rows, columns) =
            comparesLayers
            ? (features[0], features[features.count - 1]) : (features.flatMap(\.self), features.flatMap(\.self))
        let values = matrix(rows, columns)
        let map = HeatMap(
            title: title(names), rowLabel: comparesLayers ? names[0] : "network",
            columnLabel: comparesLayers ? names[names.count - 1] : "network", valueLabel: "\(estimator.rawValue) CKA",
            rows: rows.map(\.name), columns: columns.map(\.name),
            cells: values.map { $0.map { .init(value: $0, text: $0.map { NumberText.fixed($0, digits: 2) } ?? "–") } })
        return try write(map, values, patches: rows[0].rows.shape[0], side: side, session)
    }

    private func refuse(_ expected: String, _ found: String) -> DataError {
        DataError(
            .configuration, file: "options", expected: expected, found: found,
            remedy: "see dmt inspect alignment --help")
    }

    /// The files' names, numbered where several are equal.
    private var labels: [String] {
        let stems = checkpoints.map(HeadTraining.stem)
        return stems.enumerated().map { index, stem in
            stems.count { $0 == stem } > 1 ? "\(stem) \(index + 1)" : stem
        }
    }

    private func title(_ names: [String]) -> String {
        guard comparesLayers else { return "Alignment of the networks' last patch tokens" }
        return names.count == 1
            ? "Alignment of the layers of \(names[0])" : "Alignment of the layers of \(names[0]) and \(names[1])"
    }

    /// The last tokens, or those after each block.
    private func tokens(
        _ network: VisionTransformer, _ name: String, _ folder: PictureFolder, _ side: Int, _ onPicture: () -> Void
    ) throws -> [Features] {
        let taps = comparesLayers ? Array(0..<network.depth) : []
        let grid = side / network.patchSize
        let (perPicture, width) = (grid * grid, network.width)
        let total = folder.count * perPicture
        let count = min(total, patchLimit)
        guard count >= 4 else {
            throw DataError(
                .configuration, file: images, expected: "at least 4 patches", found: "\(count)",
                remedy: "give more pictures, or larger ones")
        }
        let layers = max(taps.count, 1)
        let rows = (0..<layers).map { _ in Tensor(uninitialized: [count, width]) }
        // Patch k of the chosen ones is number k · total / count of all.
        var next = 0
        for index in 0..<folder.count {
            let picture = FeatureInspection.fitted(try folder.sample(at: index).picture, side)
            let tokens = network.tokens(
                of: Variable(Normalisation.imageNet.batch([picture])), TokenRequest(taps: taps), .evaluation)
            let maps =
                taps.isEmpty
                ? [tokens.patches.value] : tokens.taps.map { $0.sliced(axis: 1, 1..<1 + perPicture).value }
            while next < count, next * total / count < (index + 1) * perPicture {
                let patch = next * total / count - index * perPicture
                for (layer, map) in maps.enumerated() {
                    let values = map.converted(to: .f32)
                    rows[layer].rows(next..<next + 1).assign(
                        values.reshaped([perPicture, width]).rows(patch..<patch + 1))
                }
                next += 1
            }
            onPicture()
        }
        return rows.enumerated().map { layer, rows in
            Features(name: taps.isEmpty ? name : "\(layer + 1)", rows: rows)
        }
    }

    private func matrix(_ rows: [Features], _ columns: [Features]) -> [[Double?]] {
        switch estimator {
        case .linear: return rows.map { row in columns.map { KernelAlignment.linear(row.rows, $0.rows) } }
        case .unbiased:
            let left = rows.map { KernelAlignment.UnbiasedFeatures($0.rows) }
            let right = columns.map { KernelAlignment.UnbiasedFeatures($0.rows) }
            return left.map { row in right.map { KernelAlignment.unbiased(row, $0) } }
        }
    }

    private func write(
        _ map: HeatMap, _ values: [[Double?]], patches: Int, side: Int, _ session: CommandSession
    ) throws -> JSONValue {
        let document = JSONValue.object([
            ("schema_version", .int(1)), ("title", .string(map.title)), ("estimator", .string(estimator.rawValue)),
            ("patches", .int(Int64(patches))), ("size", .int(Int64(side))),
            ("rows", .array(map.rows.map { .string($0) })), ("columns", .array(map.columns.map { .string($0) })),
            ("values", .array(values.map { .array($0.map { JSONValue(finite: $0) }) })),
        ])
        try Folder.create(out)
        try AtomicFile.write(SVGRenderer().render(.heatMap(map)), to: "\(out)/alignment.svg")
        try AtomicFile.write(CSVRenderer().render(map.table), to: "\(out)/alignment.csv")
        try AtomicFile.write(document.text(pretty: true) + "\n", to: "\(out)/alignment.json")
        session.name(files: ["svg", "csv", "json"].map { "\(out)/alignment.\($0)" })
        return document
    }

    /// The matrix for people.
    public static func text(of document: JSONValue) -> String {
        let columns = (document["columns"]?.array ?? []).compactMap(\.string)
        var table = ReportTable(
            caption: "\(document["title"]?.string ?? "") (\(document["estimator"]?.string ?? "") CKA)",
            columns: [.init("")] + columns.map { .init($0, .right) })
        for (name, row) in zip(document["rows"]?.array ?? [], document["values"]?.array ?? []) {
            table.add([.text(name.string ?? "")] + (row.array ?? []).map { .number($0.double, digits: 2) })
        }
        return TerminalRenderer().render(table) + "\n"
    }
}
