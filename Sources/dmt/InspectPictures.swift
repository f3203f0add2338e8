import ArgumentParser
import EvaluationHarness

/// What `dmt inspect pca` and `dmt inspect attention` share.
struct TokenPictureOptions: ParsableArguments {
    @Option(help: "A backbone's file, or with --source a published checkpoint.")
    var checkpoint: String

    @Option(
        help: "Code base that wrote it: \(FeatureInspection.Source.allCases.map(\.rawValue).joined(separator: ", ")).")
    var source: FeatureInspection.Source?

    @Option(help: "Folder of JPEG and PNG files.")
    var images: String

    @Option(help: "Pixels a side that the model sees; the checkpoint's own unless given.")
    var size: Int?

    @Option(help: "Folder to write one PNG a picture to.")
    var out: String

    func run(_ kind: TokenPictures.Kind, _ session: CommandSession) throws {
        var pictures = TokenPictures(kind: kind, checkpoint: checkpoint, images: images, out: out)
        pictures.source = source
        pictures.size = size
        let document = try pictures.run(session)
        try session.emit(document, text: "\(out): \(document["pictures"]?.int ?? 0) pictures\n")
    }
}

extension InspectCommand {
    /// `dmt inspect pca`
    struct PCA: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pca",
            abstract: "Draw the first three principal components of patch tokens as red, green and blue.",
            discussion:
                "The components are those of all pictures' patches together, so equal colours mean alike tokens.")

        @OptionGroup var options: TokenPictureOptions
        @OptionGroup var global: GlobalOptions

        func run() throws { try runReporting(global) { try options.run(.components, $0) } }
    }

    /// `dmt inspect attention`
    struct Attention: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "attention",
            abstract: "Draw where the class token of the last block looks, head by head.",
            discussion:
                "The picture, the mean of all heads, then each head; each map is scaled to its own largest value.")

        @OptionGroup var options: TokenPictureOptions
        @OptionGroup var global: GlobalOptions

        func run() throws { try runReporting(global) { try options.run(.attention, $0) } }
    }
}
