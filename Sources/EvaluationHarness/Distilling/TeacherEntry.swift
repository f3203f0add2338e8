import Distillation
import SafeFiles
import VisionBackbones

/// A teacher as a recipe names it.
public struct TeacherEntry: Sendable {
    public var name: String
    /// A path, or `shipped:NAME`.
    public var file: String
    /// The code base that wrote the file; nil for a file of this program.
    public var source: CheckpointSource?
    /// Attention heads of a published file, where its source does not tell them.
    public var heads: Int?
    /// What the file holds, for a plan that is made without it.
    public var backbone: ViTConfiguration?

    /// Reads an item of `teachers`: `name`, `checkpoint`; `source`, `heads`, `backbone` where given.
    init(_ reader: RecipeReader) throws(DataError) {
        name = try reader.value("name")
        file = try reader.value("checkpoint")
        if reader.has("source") { source = try reader.choice("source", default: CheckpointSource.timm) }
        if reader.has("heads") { heads = try reader.int("heads", in: 1...256) }
        backbone = try reader.optionalMap("backbone").map { map throws(DataError) in try ViTConfiguration(map) }
    }

    /// The same with the path of a shipped file in place of its name.
    func resolved() throws(DataError) -> TeacherEntry {
        var copy = self
        copy.file = try TeacherFiles.path(of: file)
        return copy
    }

    /// The frozen network.
    ///
    /// - Throws: as the readers of checkpoints; `.configuration` where the teacher cannot see what the student sees.
    func load(for settings: DistillationSettings) throws(DataError) -> Teacher {
        let network = try CheckpointFile.loadBackbone(file, source: source, heads: heads)
        try settings.assertTakes(self, network.configuration)
        return Teacher(name: name, network)
    }

    /// The network's shape: as the recipe says, or as the file says where it is there; nil where neither tells.
    ///
    /// - Throws: as the reader of the file's header.
    func shape() throws(DataError) -> ViTConfiguration? {
        if let backbone { return backbone }
        guard source == nil, let path = try? TeacherFiles.path(of: file), FileBytes.exists(path) else { return nil }
        return try ModelFile.backboneShape(path)
    }
}
