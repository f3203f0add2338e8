/// Code bases whose ViT checkpoints are read. The user names one: it is never guessed from the keys.
public enum CheckpointSource: String, Sendable, CaseIterable {
    case mae
    case maeLite = "mae-lite"
    case mocov3
    case ibot
    case dino
    case dinov2
    case deit
    case beit
    case tinymim
    case g2sd
    case mmseg
    case timm

    /// Where this source keeps its encoder and what it calls the parts.
    var layout: CheckpointLayout {
        switch self {
        case .mae: .mae
        case .maeLite: .maeLite
        case .mocov3: .mocov3
        case .ibot: .ibot
        case .dino: .dino
        case .dinov2: .dinov2
        case .deit: .deit
        case .beit: .beit
        case .tinymim: .tinymim
        case .g2sd: .g2sd
        case .mmseg: .mmseg
        case .timm: .timm
        }
    }

    /// Keys that may lead to the weights in a PyTorch file, in the order tried; the weights may lie at the top as well.
    public var keyPaths: [[String]] { layout.keyPaths + [[]] }

    /// How this source brings its table of positions to another grid.
    public var positionResize: PositionResize { layout.positionResize }

    /// Attention heads of an encoder of that width.
    ///
    /// - Returns: nil where the source has no rule for it.
    public func headCount(width: Int) -> Int? { layout.headCount(width) }

    /// What any source calls the patch projection, which every ViT has.
    public static let projections: [String] = Array(Set(allCases.map(\.layout.projection))).sorted()

    /// Our name of an encoder's part under any source's name, where the source is not told; nil for what is computed and
    /// not learned.
    public static func commonName(_ name: String) -> String? {
        allCases.reduce(Optional(name)) { name, source in name.flatMap(source.layout.rename) }
    }
}
