import ArgumentParser
import EvaluationHarness

/// What `dmt inspect pca` and `dmt inspect attention` share.
struct TokenPictureOptions: ParsableArguments {
    @Option(help: "A backbone's file, or with --source a published checkpoint.")
    var checkpoint: String

    @Option(
        help: "Code base that wrote it: \(FeatureInspection.Source.allCases.map(\.rawValue).joined(separator: ", ")).")
    var source: FeatureInspection.Source?

    @Option(help: "Folder of JPEG and PNG files to draw.")
    var images: String

    @Option(help: "Pixels a side that the model sees; the checkpoint's own unless given.")
    var size: Int?

    @Option(help: "Folder to write one PNG a picture to.")
    var out: String
}

extension InspectCommand {
    /// `dmt inspect pca`
    struct PCA: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pca",
            abstract: "Draw the first three principal components of patch tokens as red, green and blue.",
            discussion: """
                Equal colours mean alike tokens: the components are those of all fitted pictures' patches together, without \
                class token and registers. Signs are fixed: in each component the entry of largest size is positive. The \
                basis is left in OUT/basis.safetensors for --basis.
                """)

        @OptionGroup var options: TokenPictureOptions

        @Option(help: "Folder of pictures to fit the components on; --images unless given.")
        var fitOn: String?

        @Option(help: "A basis.safetensors of an earlier call to use instead of fitting.")
        var basis: String?

        @Option(
            help:
                "Side of the first component that is foreground, high or low: its patches get components of their own, others are black."
        )
        var foreground: String?

        @Flag(help: "Divide each coordinate by its deviation over the fitted patches; shows with --scale sigmoid.")
        var whiten = false

        @Option(
            help:
                "percentile: the middle 98 % of the fitted coordinates fill a colour; sigmoid: of twice the coordinate."
        )
        var scale = ComponentPictures.Scaling.percentile

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            if basis != nil && fitOn != nil { throw ValidationError("--basis and --fit-on exclude each other.") }
            if basis != nil && foreground != nil {
                throw ValidationError("--foreground belongs to fitting; the basis says what it was fitted with.")
            }
            if let foreground,
                let problem = NamedChoice.complaint(
                    foreground, among: ComponentPictures.foregroundNames, option: "--foreground")
            {
                throw ValidationError(problem)
            }
        }

        func run() throws {
            try runReporting(global) { session in
                var pictures = ComponentPictures(
                    checkpoint: options.checkpoint, images: options.images, out: options.out)
                pictures.source = options.source
                pictures.size = options.size
                pictures.fitOn = fitOn
                pictures.basis = basis
                pictures.foreground = foreground
                pictures.whitens = whiten
                pictures.scaling = scale
                let document = try pictures.run(session)
                try session.emit(document, text: "\(options.out): \(document["pictures"]?.int ?? 0) pictures\n")
            }
        }
    }

    /// `dmt inspect attention`
    struct Attention: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "attention",
            abstract: "Draw what a token takes from each patch, head by head.",
            discussion:
                "The picture, the mean of all heads, then each head; each map is scaled to its own largest value.")

        @OptionGroup var options: TokenPictureOptions

        @Option(help: "Block, from 1; the last unless given.")
        var block: Int?

        @Option(help: "cls for the class token, or x,y: the patch at a pixel of the picture as the model sees it.")
        var query = "cls"

        @Flag(help: "Lay the maps over the picture instead of drawing them as squares.")
        var overlay = false

        @OptionGroup var global: GlobalOptions

        func validate() throws {
            if TokenPictures.Query(query) == nil {
                throw ValidationError("--query \(query): use cls, or x,y such as 80,96.")
            }
            if let block, block < 1 { throw ValidationError("--block \(block): from 1.") }
        }

        func run() throws {
            try runReporting(global) { session in
                var pictures = TokenPictures(checkpoint: options.checkpoint, images: options.images, out: options.out)
                pictures.source = options.source
                pictures.size = options.size
                pictures.block = block
                pictures.query = TokenPictures.Query(query)!
                pictures.overlays = overlay
                let document = try pictures.run(session)
                try session.emit(document, text: "\(options.out): \(document["pictures"]?.int ?? 0) pictures\n")
            }
        }
    }
}

extension ComponentPictures.Scaling: ExpressibleByArgument {}
