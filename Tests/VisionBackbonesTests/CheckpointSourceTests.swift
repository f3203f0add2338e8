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
        #expect(found("patch_embed.proj.weight", [24, 3, 4, 5]).contains("expected shape (width, 3, patch, patch)"))
        #expect(found("patch_embed.proj.weight", [0, 3, 4, 4]).contains("'patch_embed.proj.weight'"))
        #expect(found("pos_embed", [1, 15, 24]).contains("'pos_embed'"))
        // A table without a row for the class token.
        #expect(found("pos_embed", [1, 16, 24]) == "2 100")
        #expect(found("pos_embed", nil).contains("no such tensor"))
        #expect(found("blocks.7.norm1.weight", [24]).contains("the last 7"))
        #expect(throws: CheckpointError.self) { try ViTShape.configuration(good, headCount: 5, file: "f") }
    }
}
