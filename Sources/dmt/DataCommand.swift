import ArgumentParser
import EvaluationHarness

/// `dmt data`
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Draw a data set, describe one, or check one.",
        subcommands: [Scenes.self, Info.self, Verify.self])

    /// `dmt data scenes`
    struct Scenes: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "scenes",
            abstract: "Draw scenes with exact labels in COCO, ADE20K and class-folder layout at once.",
            discussion: "The bytes depend on the options and the seed alone.")

        @Option(help: "Folder to draw into; absent or empty.")
        var out: String

        @Option(help: "Scenes of the training split.")
        var train = 1000

        @Option(help: "Scenes of the validation split.")
        var val = 200

        @Option(help: "Pixels a side, 32 to 2048.")
        var size = 96

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                let document = try SceneDrawing.run(
                    to: out, trainCount: train, validationCount: val, size: size, session: session)
                try session.emit(document, text: "\(out)/dataset.yaml\n")
            }
        }
    }

    /// `dmt data info`
    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "info", abstract: "Describe every split of a data set.")

        @Argument(help: "A dataset.yaml, or the folder it lies in.")
        var dataset: String

        @Flag(help: "Hash all contents, as run records do; reads every file.")
        var hash = false

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                let report = try DatasetInspection.inspect(dataset, depth: hash ? .hashes : .counts)
                try session.emit(report.json, text: report.text)
            }
        }
    }

    /// `dmt data verify`
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Decode and check every file of a data set; exit 65 if anything is wrong.")

        @Argument(help: "A dataset.yaml, the folder it lies in, or a COCO truth file (.json).")
        var dataset: String

        @Option(help: "A file that names the pictures to check, one a line.")
        var imageList: String?

        @Option(help: "A COCO results file to check against the truth file.")
        var results: String?

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                let report = try DatasetInspection.verify(
                    dataset, imageList: imageList, results: results, session: session)
                try session.emit(report.json, text: report.text)
                if report.findingCount > 0 { throw DatasetDefects(file: report.file, count: report.findingCount) }
            }
        }
    }
}
