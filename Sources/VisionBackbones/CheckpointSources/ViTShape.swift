import NeuralLayers

/// Reads a ViT's configuration from the shapes of its tensors.
public enum ViTShape {
    /// The one name that every ViT has and that fixes patch size and width.
    public static let projection = "patch_embed.proj.weight"

    /// The configuration of an encoder with our names, which are timm's.
    ///
    /// Registers, LayerScale, SwiGLU, missing biases, relative position bias and a missing final norm show in the names.
    /// Positions are taken as a table to be resized, whoever made them. Sizes are limited, so that a small file cannot
    /// ask for a huge network.
    ///
    /// - Parameters:
    ///   - shapes: by name, without prefix.
    ///   - headCount: shapes do not tell it.
    ///   - file: named in the error.
    /// - Throws: naming the first tensor that is absent or of a shape that no plain ViT has.
    public static func configuration(
        _ shapes: [String: [Int]], headCount: Int, file: String
    ) throws(CheckpointError) -> ViTConfiguration {
        func shape(_ name: String, _ expected: String, _ fits: ([Int]) -> Bool) throws(CheckpointError) -> [Int] {
            guard let found = shapes[name], fits(found) else {
                throw CheckpointError(
                    file: file, record: name, expected: expected,
                    found: shapes[name].map { "\($0)" } ?? "no such tensor", remedy: "use the checkpoint of a plain ViT"
                )
            }
            return found
        }
        let patch = try shape(projection, "shape (width, 3, patch, patch)") {
            $0.count == 4 && (1...65536).contains($0[0]) && $0[1] == 3 && $0[2] == $0[3] && (1...1024).contains($0[2])
        }
        let width = patch[0]
        var block = BlockOptions()
        block.layerScale = shapes["blocks.0.ls1.gamma"] == nil ? nil : 1e-5
        if shapes["blocks.0.attn.q_bias"] != nil {
            block.projectionBias = .queryAndValue
        } else if shapes["blocks.0.attn.qkv.bias"] == nil {
            block.projectionBias = .none
        }
        let hidden: Int
        if shapes["blocks.0.mlp.w12.weight"] != nil {
            block.perceptron = .swiGLU
            hidden =
                try shape("blocks.0.mlp.w12.weight", "shape (2 hidden, \(width))") {
                    $0.count == 2 && $0[0] % 2 == 0 && (2...1 << 20).contains($0[0]) && $0[1] == width
                }[0] / 2
        } else {
            hidden = try shape("blocks.0.mlp.fc1.weight", "shape (hidden, \(width))") {
                $0.count == 2 && (1...1 << 20).contains($0[0]) && $0[1] == width
            }[0]
        }
        guard headCount >= 1, width % headCount == 0 else {
            throw CheckpointError(
                file: file, expected: "a number of heads that divides width \(width)", found: "\(headCount)",
                remedy: "name the right number with --heads")
        }
        var grid: Int?
        if shapes["pos_embed"] != nil || shapes["blocks.0.attn.relative_position_bias_table"] == nil {
            let table = try shape("pos_embed", "shape (1, 1 + side², \(width)) or (1, side², \(width))") {
                $0.count == 3 && $0[0] == 1 && $0[1] >= 1 && $0[2] == width && gridSide(rows: $0[1]) != nil
            }
            grid = gridSide(rows: table[1])
        }
        if shapes["blocks.0.attn.relative_position_bias_table"] != nil {
            let table = try shape(
                "blocks.0.attn.relative_position_bias_table", "shape ((2 side - 1)² + 3, \(headCount))"
            ) { $0.count == 2 && $0[1] == headCount && $0[0] > 3 && side(of: $0[0] - 3).map { $0 % 2 == 1 } == true }
            block.relativeBiasSide = (side(of: table[0] - 3)! + 1) / 2
        }
        var registers = 0
        if shapes["reg_token"] != nil {
            registers = try shape("reg_token", "shape (1, registers, \(width))") {
                $0.count == 3 && $0[0] == 1 && (1...1024).contains($0[1]) && $0[2] == width
            }[1]
        }
        var result = ViTConfiguration(
            imageSize: (grid ?? block.relativeBiasSide!) * patch[2], patchSize: patch[2], width: width,
            depth: try depth(shapes, file), headCount: headCount, mlpRatio: ratio(hidden, width),
            position: grid == nil ? .none : .learned)
        result.registerCount = registers
        result.block = block
        result.hasFinalNorm = shapes["norm.weight"] != nil
        return result
    }

    /// Whether a table of positions has a row for the class token, and the side of its grid.
    ///
    /// - Returns: nil where neither `rows` nor `rows − 1` is a square.
    static func gridSide(rows: Int) -> Int? { rows > 1 ? side(of: rows - 1) ?? side(of: rows) : side(of: rows) }

    /// Whether a table of that many rows has none for the class token: timm's `no_embed_class`.
    public static func lacksClassPosition(rows: Int) -> Bool {
        side(of: rows) != nil && (rows == 1 || side(of: rows - 1) == nil)
    }

    private static func side(of count: Int) -> Int? {
        let root = Int(Double(count).squareRoot().rounded())
        return root * root == count ? root : nil
    }

    /// A ratio that gives `hidden` again when the width is multiplied by it and cut to a whole number.
    private static func ratio(_ hidden: Int, _ width: Int) -> Double {
        let ratio = Double(hidden) / Double(width)
        return Int(Double(width) * ratio) == hidden ? ratio : ratio.nextUp
    }

    private static func depth(_ shapes: [String: [Int]], _ file: String) throws(CheckpointError) -> Int {
        var indices = Set<Int>()
        for name in shapes.keys where name.hasPrefix("blocks.") {
            let parts = name.split(separator: ".")
            if parts.count > 2, let index = Int(parts[1]) { indices.insert(index) }
        }
        guard !indices.isEmpty, indices.count <= 1024, indices.max() == indices.count - 1 else {
            throw CheckpointError(
                file: file, record: "blocks", expected: "blocks 0 to n - 1, at most 1024",
                found: "\(indices.count) block(s), the last \(indices.max() ?? -1)", remedy: "use a whole checkpoint")
        }
        return indices.count
    }
}
