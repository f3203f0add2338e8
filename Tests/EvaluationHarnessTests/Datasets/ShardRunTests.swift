import CheckpointIO
import DenseData
import SafeFiles
import TestSupport
import Testing

@testable import EvaluationHarness

/// Tar shards wherever class folders and picture folders are taken, with the same bytes coming out.
@Suite struct ShardRunTests {
    /// Drawn scenes, and beside them the same crops and pictures in archives, three to a split.
    private func make(_ folder: String) throws -> (scenes: DrawnScenes, shards: String) {
        let scenes = try DrawnScenes(folder, train: 8, val: 16)
        let shards = folder + "/shards"
        try Folder.create(shards)
        for split in ["train", "val"] {
            let crops = try scenes.data(.classify, split: split).classification()
            var archives = [TarWriter](repeating: TarWriter(), count: 3)
            for (index, file) in try crops.files().enumerated() {
                let name = crops.name(at: index)
                let part = index * 3 / crops.count
                archives[part].add(name, try FileBytes.read(file, limit: 1 << 20))
                archives[part].add(String(name.prefix { $0 != "." }) + ".cls", "\(crops.label(at: index))")
            }
            for (place, archive) in archives.enumerated() {
                try AtomicFile.write(archive.archive, to: "\(shards)/crops-\(split)-\(place).tar")
            }
            let names = crops.info.classes.map { $0 + "\n" }.joined()
            try AtomicFile.write(names, to: shards + "/classes.txt")
            let pictures = try DatasetFile(scenes.folder).unlabelled(split: split)
            var archive = TarWriter()
            for (index, file) in try pictures.files().enumerated() {
                archive.add(pictures.name(at: index), try FileBytes.read(file, limit: 1 << 20))
            }
            try AtomicFile.write(archive.archive, to: "\(shards)/\(split).tar")
        }
        let text = """
            classification:
              kind: tar-shards
              root: .
              classes: classes.txt
              splits:
                train: {shards: "crops-train-{0..2}.tar"}
                val: {shards: "crops-val-*.tar"}
            unlabelled:
              kind: tar-shards
              root: .
              splits:
                train: {shards: train.tar}
                val: {shards: val.tar}
            """
        try AtomicFile.write(text, to: shards + "/dataset.yaml")
        return (scenes, shards)
    }

    private func session() throws -> CommandSession {
        var options = CommandSession.Options()
        options.isQuiet = true
        return try CommandSession(options)
    }

    @Test func theSameModelsAndPredictions() throws {
        try withTemporaryFolder { folder in
            let (scenes, shards) = try make(folder)
            let recipe = folder + "/tiny.yaml"
            try AtomicFile.write(
                """
                kind: train
                name: tiny
                task: classify
                source: none
                cost: none
                expected: none
                backbone: {image_size: 32, patch_size: 8, width: 32, depth: 2, heads: 2, position: learned}
                head: {pooling: meanPatches}
                views: {size: 32}
                training: {steps: 3, batch: 8, rate: 1e-3}
                """, to: recipe)
            var (weights, outputs) = ([[String: [Float]]](), [[[UInt8]]]())
            for data in [scenes.folder, shards] {
                let out = "\(folder)/\(outputs.count)"
                var training = HeadTraining(task: .classify, recipe: recipe, data: data)
                training.out = out + "-train"
                _ = try training.run(session())
                let model = try CheckpointArchive.open(out + "-train/checkpoint.safetensors")
                weights.append(try model.tensors().mapValues { $0.floats() })
                var files: [String] = []
                for (task, name) in [(EvaluationTask.classify, "classify"), (.knn, "knn"), (.linear, "linear")] {
                    var evaluation = HeadEvaluation(task: task, data: data)
                    evaluation.checkpoint = out + "-train/checkpoint.safetensors"
                    evaluation.out = "\(out)-\(name)"
                    evaluation.bootstrapDraws = 0
                    if task != .classify { evaluation.size = 32 }
                    if task == .linear {
                        evaluation.probe.protocolName = ProbeProtocol.dino.rawValue
                        evaluation.probe.epochs = 2
                    }
                    _ = try evaluation.run(session())
                    files.append("\(out)-\(name)/predictions.tsv")
                }
                outputs.append(try files.map { try FileBytes.read($0, limit: 1 << 30) })
            }
            #expect(weights[0] == weights[1])
            #expect(outputs[0] == outputs[1])
        }
    }

    @Test func unlabelledPicturesAreThoseOfTheFolder() throws {
        try withTemporaryFolder { folder in
            let (scenes, shards) = try make(folder)
            let (a, b) = (
                try DatasetFile(scenes.folder).unlabelled(split: "train"),
                try DatasetFile(shards).unlabelled(split: "train")
            )
            #expect(a.count == b.count && b.info.classes.isEmpty)
            let taken = DistillationPictures(b, limit: 5)
            #expect(taken.count == 5)
            for index in 0..<5 { #expect(try taken[index] == a.sample(at: index).picture) }
        }
    }

    @Test func inspectionDescribesAndFindsDefects() throws {
        try withTemporaryFolder { folder in
            let (scenes, shards) = try make(folder)
            let report = try DatasetInspection.inspect(shards, depth: .defects)
            #expect(report.findingCount == 0, "\(report.text)")
            let crops = try scenes.data(.classify).classification()
            #expect(report.splits[0].kind == "tar-shards" && report.splits[0].sampleCount == crops.count)
            #expect(report.splits[0].classes == crops.info.classes)
            #expect(report.splits.allSatisfy { $0.contentHash?.count == 64 })
            // One archive without a sample, one cut off.
            try AtomicFile.write(TarWriter().archive, to: shards + "/val.tar")
            let whole = try FileBytes.read(shards + "/crops-val-1.tar", limit: 1 << 30)
            try AtomicFile.write(Array(whole.prefix(whole.count / 2)), to: shards + "/crops-val-1.tar")
            let damaged = try DatasetInspection.inspect(shards, depth: .defects)
            #expect(damaged.findingCount == 2)
            #expect(damaged.text.contains("val.tar: expected at least one member KEY.jpg"))
            #expect(damaged.text.contains("crops-val-1.tar, byte"))
        }
    }

    @Test(arguments: [
        "a: {kind: tar-shards, root: ., splits: {val: {images: x}}}",
        "a: {kind: tar-shards, root: ., splits: {val: {shards: 'x-{3..1}.tar'}}}",
        "a: {kind: class-folder, root: ., splits: {val: {images: x, shards: y}}}",
        "a: {kind: pictures, root: ., classes: x, splits: {val: {images: x}}}",
    ])
    func descriptorsThatMakeNoSense(_ text: String) throws {
        try withTemporaryFolder { folder in
            try AtomicFile.write(text + "\n", to: folder + "/dataset.yaml")
            let error = #expect(throws: DataError.self) {
                try DatasetInspection.inspect(folder, depth: .counts)
            }
            #expect(error?.kind == .configuration)
        }
    }
}
