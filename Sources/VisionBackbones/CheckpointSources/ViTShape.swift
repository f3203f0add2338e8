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
    /// - Throws: naming every tensor that is absent or of a shape that no plain ViT has, of those that fix the network.
    public static func configuration(
        _ shapes: [String: [Int]], headCount: Int, file: String
    ) throws(CheckpointError) -> ViTConfiguration {
        let (configuration, faults) = try read(shapes, headCount: headCount, file: file)
        if !faults.isEmpty { throw CheckpointError(file: file, misfits: faults) }
        return configuration
    }

    /// The same, with what is at fault beside it: sizes that a faulty tensor would have told are stand-ins, so that all
    /// other tensors can be compared nevertheless.
    ///
    /// - Throws: where nothing can be told: no patch projection, no blocks, heads that do not divide the width.
    public static func read(
        _ shapes: [String: [Int]], headCount: Int, file: String
    ) throws(CheckpointError) -> (configuration: ViTConfiguration, faults: [CheckpointError.Misfit]) {
        var faults: [CheckpointError.Misfit] = []
        func shape(_ name: String, _ expected: String, _ fits: ([Int]) -> Bool) -> [Int]? {
            if let found = shapes[name], fits(found) { return found }
            faults.append((name, shapes[name].map { "shape \($0) for \(expected)" } ?? "missing"))
            return nil
        }
        let patch = shape(projection, "(width, 3, patch, patch)") {
            $0.count == 4 && (1...65536).contains($0[0]) && $0[1] == 3 && $0[2] == $0[3] && (1...1024).contains($0[2])
        }
        guard let patch else { throw CheckpointError(file: file, misfits: faults) }
        let width = patch[0]
        guard headCount >= 1, width % headCount == 0 else {
            throw CheckpointError(
                file: file, expected: "a number of heads that divides width \(width)", found: "\(headCount)",
                remedy: "name the right number with --heads")
        }
        var block = BlockOptions()
        block.layerScale = shapes["blocks.0.ls1.gamma"] == nil ? nil : 1e-5
        if shapes["blocks.0.attn.q_bias"] != nil {
            block.projectionBias = .queryAndValue
        } else if shapes["blocks.0.attn.qkv.bias"] == nil {
            block.projectionBias = .none
        }
        // Where a weight does not tell the hidden width, its bias may.
        func bias(_ name: String) -> Int? { shapes[name]?.first.flatMap { (2...1 << 20).contains($0) ? $0 : nil } }
        let hidden: Int
        if shapes["blocks.0.mlp.w12.weight"] != nil {
            block.perceptron = .swiGLU
            let both = shape("blocks.0.mlp.w12.weight", "(2 hidden, \(width))") {
                $0.count == 2 && $0[0] % 2 == 0 && (2...1 << 20).contains($0[0]) && $0[1] == width
            }
            hidden = (both?[0] ?? bias("blocks.0.mlp.w12.bias") ?? 8 * width) / 2
        } else {
            let first = shape("blocks.0.mlp.fc1.weight", "(hidden, \(width))") {
                $0.count == 2 && (1...1 << 20).contains($0[0]) && $0[1] == width
            }
            hidden = first?[0] ?? bias("blocks.0.mlp.fc1.bias") ?? 4 * width
        }
        var grid: Int?
        if shapes["pos_embed"] != nil || shapes["blocks.0.attn.relative_position_bias_table"] == nil {
            let table = shape("pos_embed", "(1, 1 + side², \(width)) or (1, side², \(width))") {
                $0.count == 3 && $0[0] == 1 && $0[1] >= 1 && $0[2] == width && gridSide(rows: $0[1]) != nil
            }
            grid = table.flatMap { gridSide(rows: $0[1]) } ?? 1
        }
        if shapes["blocks.0.attn.relative_position_bias_table"] != nil {
            let table = shape("blocks.0.attn.relative_position_bias_table", "((2 side - 1)² + 3, \(headCount))") {
                $0.count == 2 && $0[1] == headCount && $0[0] > 3 && side(of: $0[0] - 3).map { $0 % 2 == 1 } == true
            }
            block.relativeBiasSide = table.map { (side(of: $0[0] - 3)! + 1) / 2 } ?? 1
        }
        var registers = 0
        if shapes["reg_token"] != nil {
            let tokens = shape("reg_token", "(1, registers, \(width))") {
                $0.count == 3 && $0[0] == 1 && (1...1024).contains($0[1]) && $0[2] == width
            }
            registers = tokens?[1] ?? 1
        }
        var result = ViTConfiguration(
            imageSize: (grid ?? block.relativeBiasSide!) * patch[2], patchSize: patch[2], width: width,
            depth: try depth(shapes, file), headCount: headCount, mlpRatio: ratio(hidden, width),
            position: grid == nil ? .none : .learned)
        result.registerCount = registers
        result.block = block
        result.hasFinalNorm = shapes["norm.weight"] != nil
        return (result, faults)
    }

    /// Attention heads, where a table of relative positions tells them.
    public static func headCount(_ shapes: [String: [Int]]) -> Int? {
        shapes["blocks.0.attn.relative_position_bias_table"].flatMap { $0.count == 2 ? $0[1] : nil }
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

    /// One more than the highest block: gaps show as missing tensors.
    private static func depth(_ shapes: [String: [Int]], _ file: String) throws(CheckpointError) -> Int {
        let indices = shapes.keys.compactMap { name -> Int? in
            let parts = name.split(separator: ".", maxSplits: 2)
            return parts.count == 3 && parts[0] == "blocks" ? Int(parts[1]) : nil
        }
        guard let last = indices.max(), (0..<1024).contains(last) else {
            throw CheckpointError(
                file: file, record: "blocks", expected: "blocks from 0 on, at most 1024",
                found: indices.max().map { "block \($0)" } ?? "none", remedy: "use a whole checkpoint")
        }
        return last + 1
    }
}
