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

    @Option(help: "File with the classes' names, one a line.")
    var names: String?

    @Option(help: "Images in the list of the worst.")
    var worst = 10

    @Flag(help: "Add which classes are taken for which, in pixels.")
    var confusion = false

    @Flag(help: "Add mIoU_boundary: mIoU of the pixels near outlines (2 % of the picture's diagonal).")
    var boundary = false

    @Option(
        help: """
            Bring larger label maps and predictions to this short side, by nearest pixels, before counting. It is another \
            number: some code bases report it.
            """)
    var labelSize: Int?

    @Option(
        help: "Second folder of predictions: differences with paired intervals (1000 draws unless --bootstrap says).")
    var minus: String?

    @Option(
        help: "Write everything to this folder: score.json, summary.txt, per_class.csv, per_image.csv, confusion.csv.")
    var out: String?

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
        let coding = try choice().coding
        if let labelSize, !(1...65_536).contains(labelSize) {
            throw ValidationError("--label-size \(labelSize): 1 to 65536.")
        }
        guard worst >= 0 else { throw ValidationError("--worst \(worst): 0 or more.") }
        if confusion, coding.classCount > 4096 {
            throw ValidationError("--confusion: at most 4096 classes, not \(coding.classCount).")
        }
    }

    func run() throws {
        var options = SemsegScoring.Options()
        options.bootstrapDraws = common.bootstrap
        options.seed = common.seed
        options.input = common.input
        options.labelSize = labelSize
        options.namesFile = names
        options.countsConfusion = confusion
        options.countsBoundaries = boundary
        options.minus = minus
        options.worstCount = worst
        let score = try SemsegScoring.run(
            labels: labels, predictions: predictions, dataset: choice(), options: options)
        let written = try out.map { try score.write(folder: $0) } ?? []
        if common.json {
            print(score.jsonText)
            return
        }
        print(score.text, terminator: "")
        for path in written { print(path) }
    }
}
