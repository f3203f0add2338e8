import CheckpointIO

/// The Swift on the pages, word for word: what stands here compiles. `DocsTests` holds the two against each other.
private func checkpointsPage() throws {
    let archive = try CheckpointArchive.open("mae_pretrain_vit_base.pth", keyPath: ["model"])
    for entry in archive.entries { print(entry.name, entry.type, entry.shape) }
    let weight = try archive.floats(of: "patch_embed.proj.weight")
    _ = weight
}
