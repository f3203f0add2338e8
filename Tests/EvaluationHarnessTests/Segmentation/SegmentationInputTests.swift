import CheckpointIO
import DenseData
import Foundation
import ImageFiles
import SafeFiles
import TensorCore
import Testing

@testable import EvaluationHarness

@Suite("Segmentation: bad input is named") struct SegmentationInputTests {
    /// Trains one step on a data set that `spoil` changed first, and returns the error.
    private func error(
        _ spoil: (_ images: String, _ labels: String) throws -> Void
    ) throws -> DataError? {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder)
            let data = try scenes.data(.segment)
            let base = scenes.folder + "/ADEChallengeData2016"
            try spoil(base + "/images/training", base + "/annotations/training")
            return #expect(throws: DataError.self) {
                let dataset = try data.segmentation()
                let trainer = SegmentationTrainer(DrawnScenes.segmentation(steps: 1))
                let model = try trainer.model(on: DrawnScenes.backbone(), for: dataset)
                try trainer.run(model, dataset: dataset)
            }
        }
    }

    private func first(_ folder: String) throws -> String { "\(folder)/\(try Folder.entries(folder)[0])" }

    @Test("a missing folder") func missingFolder() throws {
        let error = try error { images, _ in try FileManager.default.removeItem(atPath: images) }
        #expect(error?.kind == .missing)
        #expect(error?.file.hasSuffix("images/training") == true)
    }

    @Test("a missing label file") func missingLabel() throws {
        let error = try error { _, labels in try FileManager.default.removeItem(atPath: first(labels)) }
        #expect(error?.kind == .missing)
        #expect(error?.file.hasSuffix(".png") == true)
    }

    @Test("a truncated JPEG") func truncated() throws {
        var bad = ""
        let error = try error { images, _ in
            bad = try first(images)
            let bytes = try FileBytes.read(bad, limit: 1 << 24)
            try FileManager.default.removeItem(atPath: bad)
            try AtomicFile.write(Array(bytes.prefix(bytes.count / 2)), to: bad)
        }
        #expect(error?.kind == .malformed)
        #expect(error.map { Folder.name(of: $0.file) } == Folder.name(of: bad))
    }

    @Test("a colour label file") func colourLabel() throws {
        let error = try error { _, labels in
            try AtomicFile.write(PNGFile.encode(Picture(height: 64, width: 64)), to: first(labels))
        }
        #expect(error?.kind == .malformed)
        #expect(error?.found.contains("3 samples") == true)
    }

    @Test("a label above the class count") func labelTooHigh() throws {
        let error = try error { _, labels in
            var values = [UInt16](repeating: 1, count: 64 * 64)
            values[65] = 200
            try AtomicFile.write(
                PNGFile.encode(LabelImage(height: 64, width: 64, values: values)), to: first(labels))
        }
        #expect(error?.kind == .malformed)
        #expect(error?.record == "pixel x 1 y 1")
        #expect(error?.found == "200")
    }

    @Test("a listed picture that the data set does not have") func unknownListed() throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder)
            try write("nowhere.jpg\n", to: folder + "/list.txt")
            let error = #expect(throws: DataError.self) {
                try scenes.data(.segment, list: folder + "/list.txt").segmentation()
            }
            #expect(error?.record == "nowhere.jpg")
        }
    }

    @Test("a checkpoint without architecture, of another shape, or with sizes out of range")
    func checkpoints() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/x.safetensors"
            try Safetensors.write(["a": Tensor([Float](repeating: 0, count: 2), [2])], to: path)
            #expect(throws: DataError.self) { try ModelFile.loadBackbone(path) }
            let backbone = DrawnScenes.backbone()
            var state = backbone.state()
            state["norm.weight"] = Tensor([Float](repeating: 1, count: 3), [3])
            let architecture = ModelFile.architecture(of: backbone.configuration).text()
            try Safetensors.write(state, metadata: [ModelFile.architectureKey: architecture], to: path)
            let shape = #expect(throws: DataError.self) { try ModelFile.loadBackbone(path) }
            #expect(shape?.found.contains("norm.weight") == true)
            for (from, to) in [("\"width\":32", "\"width\":0"), ("\"depth\":4", "\"depth\":99999999")] {
                let text = architecture.replacingOccurrences(of: from, with: to)
                #expect(text != architecture)
                try Safetensors.write([:], metadata: [ModelFile.architectureKey: text], to: path)
                #expect(throws: DataError.self) { try ModelFile.loadBackbone(path) }
            }
        }
    }

    @Test("rounded weights that are no numbers are refused as others are")
    func notANumber() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/student.safetensors"
            try ModelFile.save(DrawnScenes.backbone(), to: path, dtype: .bf16)
            let contents = try Safetensors.load(path)
            var tensors = contents.tensors
            let name = "blocks.1.mlp.fc1.weight"
            var values = try #require(tensors[name]).converted(to: .f32).floats()
            values[7] = .nan
            tensors[name] = Tensor(values, tensors[name]!.shape).converted(to: .bf16)
            try Safetensors.write(tensors, metadata: contents.metadata, to: path)
            let error = #expect(throws: DataError.self) { try ModelFile.loadBackbone(path) }
            #expect(error?.kind == .malformed && error?.found == "NaN or infinity in 1: \(name)")
        }
    }

    @Test("pictures below a pyramid's coarsest stride are padded, whole, in windows and in several views")
    func tinyPictures() throws {
        try withTemporaryFolder { folder in
            let scenes = try DrawnScenes(folder, train: 1)
            let base = scenes.folder + "/ADEChallengeData2016"
            let sizes = [(1, 1), (150, 2), (3, 40)]
            for (place, (height, width)) in sizes.enumerated() {
                try AtomicFile.write(
                    PNGFile.encode(Picture(height: height, width: width)), to: "\(base)/images/training/\(place).png")
                let labels = LabelImage(
                    height: height, width: width, values: [UInt16](repeating: 1, count: height * width))
                try AtomicFile.write(PNGFile.encode(labels), to: "\(base)/annotations/training/\(place).png")
            }
            let dataset = try scenes.data(.segment).segmentation()
            let model = try SegmentationTrainer(DrawnScenes.segmentation(steps: 1))
                .model(on: DrawnScenes.backbone(), for: dataset)
            let ways = [
                SegmentationInference(), SegmentationInference(shortSide: 0),
                SegmentationInference(shortSide: 8, windows: WindowGrid(crop: 12, stride: 8)),
                SegmentationInference(augmentation: SegmentationAugmentation(scales: [0.1, 1], flips: true)),
            ]
            for (way, inference) in ways.enumerated() {
                let written = try inference.predict(model, dataset: dataset, to: "\(folder)/\(way)")
                for (place, (height, width)) in sizes.enumerated() {
                    let map = try PictureFile.loadLabels("\(folder)/\(way)/\(written[place])")
                    #expect(map.height == height && map.width == width)
                }
            }
            var settings = DrawnScenes.segmentation(steps: 1)
            settings.cropSize = 24
            let error = #expect(throws: DataError.self) {
                try SegmentationTrainer(settings).run(model, dataset: dataset)
            }
            #expect(error?.kind == .configuration && error?.record == "views.crop")
        }
    }
}
