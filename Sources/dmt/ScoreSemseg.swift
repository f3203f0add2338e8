import ArgumentParser
import EvaluationHarness

/// `dmt score semseg`
struct ScoreSemseg: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "semseg",
        abstract: "Score predicted label maps against true ones.",
        discussion: """
            Both folders hold PNG label maps (grey or palette) with the same names and sizes, coded alike. With \
            --dataset ade20k, values 1 to 150 are classes and 0 is not scored. With --classes N, values 0 to N-1 are \
            classes; with --reduce-zero-label, values 1 to N are, and 0 is not scored. The ignore label is a value as \
            it stands in the files.
            """)

    enum NamedDataset: String, ExpressibleByArgument, CaseIterable {
        case ade20k
    }

    @Option(name: .customLong("gt"), help: "Folder of true label maps.")
    var labels: String

    @Option(name: .customLong("pred"), help: "Folder of predictions.")
    var predictions: String

    @Option(help: "A data set with known classes: ade20k.")
    var dataset: NamedDataset?

    @Option(help: "Number of classes.")
    var classes: Int?

    @Option(help: "File value whose pixels are not scored; outside the class values.")
    var ignoreLabel: Int?

    @Flag(help: "File value 0 is not scored and class k is coded k+1.")
    var reduceZeroLabel = false

    @OptionGroup var common: ScoreOptions

    /// The coding the options name. `validate` asks first, so that a wrong one is a usage error (exit 64).
    private func choice() throws -> SemsegScoring.Dataset {
        if dataset != nil {
            guard classes == nil, ignoreLabel == nil, !reduceZeroLabel else {
                throw ValidationError(
                    "--dataset fixes the classes: leave out --classes, --ignore-label, --reduce-zero-label.")
            }
            return .ade20k
        }
        guard let classes else { throw ValidationError("Give --dataset ade20k or --classes N.") }
        do {
            return try SemsegScoring.dataset(
                classCount: classes, ignoreLabel: ignoreLabel, reducesZeroLabel: reduceZeroLabel)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func validate() throws {
        _ = try choice()
    }

    func run() throws {
        print(
            try SemsegScoring.text(
                labels: labels, predictions: predictions, dataset: choice(), bootstrapDraws: common.bootstrap,
                seed: common.seed, threads: common.threads, asJSON: common.json), terminator: "")
    }
}
