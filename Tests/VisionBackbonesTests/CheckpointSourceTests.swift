import Testing
import VisionBackbones

@Suite struct CheckpointSourceTests {
    private static let encoder = ["cls_token", "pos_embed", "patch_embed.proj.weight", "norm.weight"]

    private func kept(_ source: CheckpointSource, _ keys: [String]) throws -> [String] {
        let names = try EncoderNames(source, keys: keys, file: "f")
        return keys.compactMap { names.name(of: $0) }
    }

    @Test func maeLeavesItsDecoderOut() throws {
        let keys = Self.encoder + ["mask_token", "decoder_pos_embed", "decoder_blocks.0.norm1.weight", "head.bias"]
        #expect(try kept(.mae, keys) == Self.encoder)
    }

    @Test(arguments: ["module.base_encoder.", "base_encoder.", "base_encoder.encoder.", ""])
    func mocoLeavesMomentumEncoderAndHeadsOut(_ prefix: String) throws {
        var keys = Self.encoder.map { prefix + $0 } + [prefix + "head.0.weight"]
        if !prefix.isEmpty {
            keys += Self.encoder.map { "module.momentum_encoder." + $0 } + ["module.predictor.0.weight"]
        }
        #expect(try kept(.mocov3, keys) == Self.encoder)
    }

    @Test func dinoAndIbotTakeTheTeacher() throws {
        for source in [CheckpointSource.dino, .ibot] {
            let keys =
                Self.encoder.map { "student.module.backbone." + $0 } + Self.encoder.map { "teacher.backbone." + $0 }
                + ["teacher.head.mlp.0.weight"]
            #expect(try EncoderNames(source, keys: keys, file: "f").prefix == "teacher.backbone.")
            #expect(try kept(source, keys) == Self.encoder)
        }
    }

    /// A key that no list names is kept, so that strict loading reports it.
    @Test func unknownKeysAreKept() throws {
        #expect(try kept(.timm, Self.encoder + ["reg_token", "head.weight"]) == Self.encoder + ["reg_token"])
    }

    @Test func tinyMIMLeavesTheNormOfItsHeadOut() throws {
        let tuned = Array(Self.encoder.dropLast())
        #expect(try kept(.tinymim, tuned + ["fc_norm.weight", "head.weight"]) == tuned)
    }

    @Test func g2sdLeavesDecoderAndPredictorsOutAndKeepsTheTokenOfDistillation() throws {
        let generic = [
            "mask_token", "decoder_embed.weight", "encoderfeature_pred.fc1.weight", "decoderfeature_pred.fc2.bias",
        ]
        #expect(try kept(.g2sd, Self.encoder + generic) == Self.encoder)
        #expect(try kept(.g2sd, Self.encoder + ["dist_token", "head_dist.weight"]) == Self.encoder + ["reg_token"])
    }

    @Test func segmentorsWithBEiTsNamesLeaveTheirPyramidOut() throws {
        let keys = Self.encoder.map { "backbone." + $0 } + ["backbone.fpn1.0.weight", "decode_head.conv_seg.bias"]
        #expect(try kept(.beit, keys) == Self.encoder)
    }

    @Test func chunkedBlocksOfDINOv2AreCountedOverAllChunks() throws {
        let keys = Self.encoder + ["blocks.1.7.norm1.weight", "blocks.3.norm1.weight", "blocks.0.3.ls1.gamma"]
        #expect(
            try kept(.dinov2, keys) == Self.encoder
                + ["blocks.7.norm1.weight", "blocks.3.norm1.weight", "blocks.3.ls1.gamma"])
    }

    /// Names of mmseg's layers, of the file `beit.py` (attention of its own) and `vit.py` (mmcv's attention).
    @Test func mmsegLayersAreBlocks() throws {
        let names = [
            "patch_embed.projection.weight": "patch_embed.proj.weight", "ln1.weight": "norm.weight",
            "layers.2.ln1.weight": "blocks.2.norm1.weight", "layers.2.ln2.bias": "blocks.2.norm2.bias",
            "layers.2.attn.qkv.weight": "blocks.2.attn.qkv.weight", "layers.2.attn.q_bias": "blocks.2.attn.q_bias",
            "layers.2.attn.attn.in_proj_bias": "blocks.2.attn.qkv.bias",
            "layers.2.attn.attn.out_proj.weight": "blocks.2.attn.proj.weight",
            "layers.2.ffn.layers.0.0.weight": "blocks.2.mlp.fc1.weight",
            "layers.2.ffn.layers.1.bias": "blocks.2.mlp.fc2.bias", "layers.2.gamma_1": "blocks.2.ls1.gamma",
            "pos_embed": "pos_embed",
        ]
        for prefix in ["backbone.", ""] {
            let keys = names.keys.map { prefix + $0 }
            let map = try EncoderNames(.mmseg, keys: keys + ["decode_head.conv_seg.weight"], file: "f")
            for (theirs, ours) in names { #expect(map.name(of: prefix + theirs) == ours) }
            #expect(map.name(of: prefix + "layers.2.attn.relative_position_index") == nil)
        }
    }

    /// A source that keeps its encoder elsewhere is named in the message.
    @Test func theWrongSourceIsNamed() {
        let keys = Self.encoder.map { "module.base_encoder." + $0 }
        #expect {
            try EncoderNames(.mae, keys: keys, file: "moco.safetensors")
        } throws: { error in
            "\(error)".contains("moco.safetensors") && "\(error)".contains("--source mocov3")
        }
    }

    @Test func headsFollowTheSource() {
        #expect(CheckpointSource.mae.headCount(width: 768) == 12)
        #expect(CheckpointSource.mocov3.headCount(width: 384) == 12)
        #expect(CheckpointSource.mocov3.headCount(width: 768) == 12)
        #expect(CheckpointSource.dino.headCount(width: 384) == 6)
        #expect(CheckpointSource.timm.headCount(width: 48) == nil)
        #expect(CheckpointSource.maeLite.headCount(width: 192) == 12)
        #expect(CheckpointSource.tinymim.headCount(width: 192) == nil)
        #expect(CheckpointSource.tinymim.headCount(width: 384) == 6)
    }

    @Test func shapesThatNoViTHasAreRefused() {
        let good = [
            "patch_embed.proj.weight": [24, 3, 4, 4], "pos_embed": [1, 17, 24], "blocks.0.mlp.fc1.weight": [100, 24],
            "blocks.1.mlp.fc1.weight": [100, 24],
        ]
        func found(_ name: String, _ shape: [Int]?) -> String {
            var shapes = good
            shapes[name] = shape
            do {
                let configuration = try ViTShape.configuration(shapes, headCount: 3, file: "f")
                return "\(configuration.depth) \(configuration.hiddenWidth)"
            } catch { return "\(error)" }
        }
        #expect(found("norm.weight", [24]) == "2 100")
        #expect(found("patch_embed.proj.weight", [24, 3, 4, 5]).contains("[24, 3, 4, 5] for (width, 3, patch, patch)"))
        #expect(found("patch_embed.proj.weight", [0, 3, 4, 4]).contains("patch_embed.proj.weight: shape [0, 3, 4, 4]"))
        #expect(found("pos_embed", [1, 15, 24]).contains("1 misfit(s): pos_embed: shape [1, 15, 24]"))
        // A table without a row for the class token.
        #expect(found("pos_embed", [1, 16, 24]) == "2 100")
        #expect(found("pos_embed", nil).contains("pos_embed: missing"))
        // A gap between blocks is a matter of missing tensors.
        #expect(found("blocks.7.norm1.weight", [24]) == "8 100")
        #expect(found("blocks.2000.norm1.weight", [24]).contains("at most 1024, found block 2000"))
        // Several at once.
        var shapes = good
        shapes["pos_embed"] = [1, 15, 24]
        shapes["blocks.0.mlp.fc1.weight"] = nil
        shapes["reg_token"] = [1, 2, 23]
        let error = #expect(throws: CheckpointError.self) {
            try ViTShape.configuration(shapes, headCount: 3, file: "f")
        }
        #expect(error?.found.hasPrefix("3 misfit(s): ") == true)
        #expect(throws: CheckpointError.self) { try ViTShape.configuration(good, headCount: 5, file: "f") }
    }
}
