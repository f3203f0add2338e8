import ArgumentParser
import EvaluationHarness

extension BenchCommand {
    /// `dmt bench gate`
    struct Gate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "gate",
            abstract: "Measure how often a gate closes by chance, and how often on a planted drop.",
            discussion: """
                Evidence is drawn from a model with errors of images, classes and students; no model runs. Alarms are \
                counted over random per-image swaps of two equally good students, catches over data sets on which one \
                student is --drop worse on average. Documentation/gate.md has the model's equations.
                """)

        @Option(help: "segmentation (mIoU) or detection (AP).")
        var kind = "segmentation"

        @Option(help: "Images of a data set; several sizes with commas between.")
        var images = "500"

        @Option(help: "Classes.")
        var classes = 20

        @Option(help: "Random swaps.")
        var swaps = 1000

        @Option(help: "Data sets with a planted drop.")
        var draws = 200

        @Option(help: "The planted drop.")
        var drop = 0.02

        @Option(help: "Draws of each bootstrap.")
        var bootstrap = 1000

        @Option(help: "Seeds that clear cases are asked again with.")
        var seeds = 20

        @OptionGroup var global: GlobalOptions

        private var sizes: [Int] {
            images.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        }

        func validate() throws {
            let problems = [
                NamedChoice.complaint(kind, among: GateExperiment.Kind.allCases.map(\.rawValue), option: "--kind"),
                sizes.allSatisfy { (2...1_000_000).contains($0) }
                    ? nil : "--images \(images): numbers from 2 to 1000000.",
                (2...1000).contains(classes) ? nil : "--classes \(classes): 2 to 1000.",
                (0...10_000_000).contains(swaps) ? nil : "--swaps \(swaps): 0 to 10000000.",
                (0...10_000_000).contains(draws) ? nil : "--draws \(draws): 0 to 10000000.",
                (0...0.5).contains(drop) ? nil : "--drop \(drop): 0 to 0.5.",
                (100...1_000_000).contains(bootstrap) ? nil : "--bootstrap \(bootstrap): 100 to 1000000.",
                (1...10_000).contains(seeds) ? nil : "--seeds \(seeds): 1 to 10000.",
            ]
            if let problem = problems.compactMap({ $0 }).first { throw ValidationError(problem) }
        }

        func run() throws {
            try runReporting(global) { session in
                var experiment = GateExperiment()
                experiment.kind = GateExperiment.Kind(rawValue: kind)!
                experiment.imageCounts = sizes
                experiment.classes = classes
                experiment.swaps = swaps
                experiment.draws = draws
                experiment.drop = drop
                experiment.bootstrapDraws = bootstrap
                experiment.seeds = seeds
                experiment.seed = session.seed
                let progress = session.progress("bench", total: experiment.trialCount, unit: "bootstrap")
                let rows = experiment.run { progress.advance() }
                progress.finish()
                try session.emit(experiment.json(rows), text: experiment.text(rows))
            }
        }
    }
}
