import CheckpointIO
import DenseData
import Foundation
import NeuralLayers
import Reporting
import SafeFiles
import Testing
import VisionBackbones

@testable import EvaluationHarness

/// `dmt eval linear|dense-knn|knn` from drawn scenes to a record.
@Suite struct ProbeRunTests {
    private func record(
        _ task: EvaluationTask, in folder: String, out: String = "eval", change: (inout HeadEvaluation) -> Void
    ) throws -> RunRecord {
        let scenes = folder + "/scenes"
        if !FileManager.default.fileExists(atPath: scenes) {
            _ = try DrawnScenes(folder, train: 8, val: 16)
            try ModelFile.save(DrawnScenes.backbone(), to: folder + "/student.safetensors")
        }
        var evaluation = HeadEvaluation(task: task, data: scenes)
        evaluation.checkpoint = folder + "/student.safetensors"
        evaluation.out = "\(folder)/\(out)"
        evaluation.bootstrapDraws = 0
        change(&evaluation)
        var options = CommandSession.Options()
        options.isQuiet = true
        _ = try evaluation.run(CommandSession(options))
        return try RunRecord.load("\(folder)/\(out)/run.json")
    }

    @Test(
        "every protocol gives a complete record with its ceiling beside it",
        arguments: ProbeProtocol.all(of: .linear) + ProbeProtocol.all(of: .denseKNN) + [.knn])
    func protocols(kind: ProbeProtocol) throws {
        try withTemporaryFolder { folder in
            let task = EvaluationTask.allCases.first { ProbeProtocol.all(of: $0).contains(kind) }!
            let record = try record(task, in: folder) { evaluation in
                evaluation.probe.protocolName = kind.rawValue
                if kind.uses.contains("epochs") { evaluation.probe.epochs = 2 }
                if kind.uses.contains("steps") { evaluation.probe.steps = 2 }
            }
            #expect(record.fields.arm == "student")
            let metric = kind == .knn ? "knn_top1" : kind == .dino ? "linear_top1" : "mIoU"
            #expect(record.metric(metric)?.value != nil)
            #expect((record.metric("mIoU_patch_oracle")?.value != nil) == !kind.isOfPictures)
            #expect(record.fields.protocolFingerprint["head"] != nil)
            #expect(record.fields.protocolFingerprint["probe"]?.hasPrefix(kind.rawValue) == true)
            let chooses = [ProbeProtocol.dino, .capi, .capiLogistic].contains(kind)
            #expect(record.fields.selectionRule.contains("held-out") == chooses)
            #expect(FileManager.default.fileExists(atPath: folder + "/eval/selection.csv") == chooses)
        }
    }

    @Test("features kept in a folder give the same predictions, and are not computed again")
    func keptFeatures() throws {
        try withTemporaryFolder { folder in
            func predictions(_ out: String, _ features: String?) throws -> [Data] {
                _ = try record(.denseKNN, in: folder, out: out) { $0.probe.featureFolder = features }
                let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(out)/predictions").sorted()
                return try names.map {
                    try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(out)/predictions/\($0)"))
                }
            }
            let kept = folder + "/kept"
            let first = try predictions("a", kept)
            let folders = try FileManager.default.contentsOfDirectory(atPath: kept)
            #expect(folders.count == 2)
            let files = try folders.flatMap { name in
                try FileManager.default.contentsOfDirectory(atPath: "\(kept)/\(name)").map { "\(kept)/\(name)/\($0)" }
            }
            let times = try files.map {
                try FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date
            }
            #expect(try predictions("b", kept) == first)
            #expect(try predictions("c", nil) == first)
            #expect(
                try files.map { try FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date }
                    == times)
            // A shard of something else is refused, not used.
            try FileManager.default.removeItem(atPath: files[0])
            try FileManager.default.copyItem(atPath: files[1], toPath: files[0])
            let error = #expect(throws: DataError.self) { try predictions("d", kept) }
            #expect(error?.kind == .malformed)
        }
    }

    @Test("settings are chosen on held-out training pictures; the record names them")
    func selection() throws {
        try withTemporaryFolder { folder in
            let record = try record(.knn, in: folder) { evaluation in
                evaluation.probe.neighbours = [1, 5]
                evaluation.probe.heldOutShare = 0.25
            }
            #expect(record.fields.selectionRule.hasSuffix("then refitted on all"))
            #expect(record.fields.selectionRule.contains("of 2, by top-1 on"))
            // The protocol is that of the trial, not of its outcome: other networks may need another number.
            #expect(
                record.fields.protocolFingerprint["head"]
                    == "[1 neighbours | 5 neighbours] by cosine, temperature 0.07")
            let table = try String(contentsOfFile: folder + "/eval/selection.csv", encoding: .utf8)
            #expect(table.split(whereSeparator: \.isNewline).count == 3)
            #expect(table.contains(",yes"))
        }
    }

    @Test("the record tells how positions came to another picture size, and as whose checkpoint the network was read")
    func positions() throws {
        try withTemporaryFolder { folder in
            let native = try record(.knn, in: folder, out: "native") { _ in }
            #expect(native.fields.model == "vit 32x4, patch 8, knn probe")
            let larger = try record(.knn, in: folder, out: "larger") { $0.size = 96 }
            #expect(
                larger.fields.model == "vit 32x4, patch 8, knn probe, positions bicubic from 8 to 12 a side, a=-0.75, "
                    + "half-pixel centres, not antialiased")
            let published = VisionTransformer(
                ViTConfiguration(imageSize: 64, patchSize: 16, width: 64, depth: 2, headCount: 1), seed: 1)
            let file = folder + "/dino.safetensors"
            try Safetensors.write(published.state(), to: file)
            let dino = try record(.knn, in: folder, out: "dino") { evaluation in
                (evaluation.checkpoint, evaluation.source, evaluation.size) = (file, .dino, 48)
            }
            #expect(dino.fields.model.contains("knn probe, read as dino, positions bicubic from 4 to 3 a side"))
            #expect(dino.fields.model.hasSuffix("0.1 added to the size"))
        }
    }

    @Test("a memory of fewer patches and drawn views change what is learned, not whether it can be")
    func memoryAndViews() throws {
        try withTemporaryFolder { folder in
            let record = try record(.denseKNN, in: folder) { evaluation in
                evaluation.probe.memory = 64
                evaluation.probe.views = 2
            }
            #expect(record.fields.protocolFingerprint["head"]?.contains("memory of 64 patches") == true)
            #expect(record.fields.protocolFingerprint["training views"]?.hasPrefix("2 random crops") == true)
        }
    }

    @Test(
        "wrong options are refused by name",
        arguments: [
            ("protocol", "no-such"), ("k", "patches"), ("rates", "negative"), ("size", "size"), ("held-out", "share"),
        ])
    func refusals(record name: String, what: String) throws {
        try withTemporaryFolder { folder in
            let error = #expect(throws: DataError.self) {
                try record(.linear, in: folder) { evaluation in
                    switch what {
                    case "no-such": evaluation.probe.protocolName = what
                    case "patches": evaluation.probe.neighbours = [3]
                    case "negative": evaluation.probe.rates = [-1]
                    case "size": evaluation.size = 60
                    default: evaluation.probe.heldOutShare = 0.9
                    }
                }
            }
            #expect(error?.kind == .configuration)
            #expect(error?.description.contains(name) == true)
        }
    }
}
