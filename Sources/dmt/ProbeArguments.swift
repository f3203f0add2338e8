import ArgumentParser
import EvaluationHarness

/// The options of frozen probes: `dmt eval linear|dense-knn|knn`.
struct ProbeArguments: ParsableArguments {
    @Option(
        name: .customLong("protocol"),
        help: """
            linear: patches, dinov2, dinov2-4-blocks, ibot, capi-logreg (segmentation), dino (classification); \
            dense-knn: hummingbird, capi.
            """)
    var protocolName: String?

    @Option(help: "Split that probes learn from.")
    var trainSplit = "train"

    @Option(name: .customLong("k"), help: "Neighbours, or several to choose from: 10,20,100,200.")
    var neighbours: String?

    @Option(help: "Temperature of neighbours' votes: 0.07 for knn, 0.02 for dense-knn unless given.")
    var temperature: Double?

    @Option(help: "Learning rates of linear: one, or several to choose from.")
    var rates: String?

    @Option(help: "Steps of a linear head; the recipe's, scaled to the data, unless given.")
    var steps: Int?

    @Option(help: "Passes over the features (protocols patches, dino).")
    var epochs: Int?

    @Option(help: "Pictures (or patches) of a step of linear.")
    var batch: Int?

    @Option(help: "Patches that dense-knn keeps, rare classes first; all unless given.")
    var memory: Int?

    @Option(help: "Random crops a training picture; 0 shows each once, as for the test.")
    var views = 0

    @Option(help: "Blocks, counted from 1, whose patch tokens are read and joined: 12, or 9,10,11,12.")
    var layers: String?

    @Option(
        help: "What stands for a picture: \(PictureFeature.allCases.map(\.rawValue).joined(separator: ", ")).")
    var feature: PictureFeature?

    @Option(name: .customLong("features"), help: "Folder where features are kept and found again.")
    var featureFolder: String?

    @Option(help: "Share of the training pictures that settings are chosen on.")
    var heldOut = 0.1

    func options() throws -> ProbeOptions {
        var options = ProbeOptions()
        options.protocolName = protocolName
        options.neighbours = try Self.list("--k", neighbours) { Int($0) }
        options.temperature = temperature
        options.rates = try Self.list("--rates", rates) { Double($0) }
        options.steps = steps
        options.epochs = epochs
        options.batchSize = batch
        options.memory = memory
        options.views = views
        options.layers = try Self.list("--layers", layers) { Int($0) }
        options.feature = feature
        options.featureFolder = featureFolder
        options.heldOutShare = heldOut
        return options
    }

    private static func list<Value>(_ name: String, _ text: String?, _ parse: (String) -> Value?) throws -> [Value] {
        guard let text else { return [] }
        return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let value = parse(String(part)) else {
                throw ValidationError("\(name) \(text): numbers with commas between.")
            }
            return value
        }
    }
}

extension PictureFeature: ExpressibleByArgument {}
