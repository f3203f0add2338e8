import JSONText
import Reporting
import SafeFiles
import VisionBackbones

/// A checkpoint that its authors publish and a shipped recipe expects.
public struct PublishedModel: Sendable {
    public var file: String
    public var source: CheckpointSource
    public var what: String
    /// Where the authors publish it.
    public var place: String
    public var licence: String
    /// The number that shows it was read right, with the command's settings.
    public var proof: String

    /// Their SHA-256 are not known here: none of the files could be fetched when this list was written.
    public static let all = [
        PublishedModel(
            file: "mae_pretrain_vit_base.pth", source: .mae, what: "MAE ViT-B/16, 1600 epochs",
            place: "github.com/facebookresearch/mae", licence: "CC BY-NC 4.0",
            proof: "linear 67.8 on ImageNet-1K (Atten4Vis/CAE README)"),
        PublishedModel(
            file: "vit-b-300ep.pth.tar", source: .mocov3, what: "MoCo v3 ViT-B/16, 300 epochs",
            place: "github.com/facebookresearch/moco-v3", licence: "CC BY-NC 4.0",
            proof: "linear 76.7 on ImageNet-1K (its README)"),
        PublishedModel(
            file: "checkpoint_teacher.pth", source: .ibot, what: "iBOT ViT-B/16, random mask",
            place: "github.com/bytedance/ibot", licence: "Apache 2.0",
            proof: "k-NN 77.3, linear 79.8 on ImageNet-1K (its README)"),
    ]

    /// All of them: one document.
    public static var json: JSONValue {
        .object([
            ("schema_version", .int(1)),
            (
                "models",
                .array(
                    all.map { model in
                        .object([
                            ("file", .string(model.file)), ("source", .string(model.source.rawValue)),
                            ("what", .string(model.what)), ("place", .string(model.place)), ("sha256", .null),
                            ("licence", .string(model.licence)), ("proof", .string(model.proof)),
                        ])
                    })
            ),
        ])
    }

    /// All of them: a table.
    public static var text: String {
        var table = ReportTable(columns: [
            .init("file"), .init("--source"), .init("model"), .init("published at"), .init("licence"), .init("proof"),
        ])
        for model in all {
            table.add([
                .text(model.file), .text(model.source.rawValue), .text(model.what), .text(model.place),
                .text(model.licence), .text(model.proof),
            ])
        }
        return TerminalRenderer().render(
            Report(
                title: "Published checkpoints",
                introduction: [
                    "What the recipes of paper/ expect; nothing is downloaded. No SHA-256 is known: check a file by its number."
                ],
                sections: [ReportSection(heading: "Teachers", blocks: [.table(table)])]))
    }
}

extension ModelFile {
    /// Writes a standard ViT at 224 pixels with the random weights of a seed.
    ///
    /// - Throws: `.configuration` for a name that is none of the standard ones; as writing a file.
    public static func draw(_ name: String, seed: UInt64, to path: String) throws(DataError) {
        guard let variant = ViTVariants.named(name) else {
            throw DataError(
                .configuration, file: name, expected: "one of " + ViTVariants.names.joined(separator: ", "),
                found: name,
                remedy: "choose another --arch")
        }
        try draw(variant.configuration, seed: seed, to: path)
    }

    /// Writes a ViT with the random weights of a seed.
    ///
    /// - Throws: as writing a file.
    public static func draw(_ shape: ViTConfiguration, seed: UInt64, to path: String) throws(DataError) {
        try save(
            VisionTransformer(shape, seed: seed), to: path,
            metadata: ["dmt.weights": "random", "dmt.seed": "\(seed)"])
    }
}
