import DenseData
import Foundation
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct DatasetInspectionTests {
    private func drawn(_ folder: String) throws -> String {
        try SceneDataset.write(
            SceneDataset.Options(trainCount: 24, validationCount: 20, size: 48, seed: 5), to: folder + "/s")
        return folder + "/s"
    }

    @Test func drawnScenesAreDescribedAndClean() throws {
        try withTemporaryFolder { folder in
            let scenes = try drawn(folder)
            let report = try DatasetInspection.inspect(scenes, depth: .defects)
            #expect(report.findingCount == 0, "\(report.text)")
            let rows = report.splits.map { "\($0.section)/\($0.split) \($0.kind)" }
            #expect(
                rows == [
                    "detection/train coco", "detection/val coco", "segmentation/train ade20k",
                    "segmentation/val ade20k",
                    "classification/train class-folder", "classification/val class-folder", "unlabelled/train pictures",
                    "unlabelled/val pictures",
                ])
            #expect(report.splits[0].sampleCount == 24 && report.splits[1].sampleCount == 20)
            #expect(report.splits[2].classes.count == 14 && report.splits[2].ignoreLabel == 255)
            #expect(report.splits.allSatisfy { $0.contentHash?.count == 64 })
            // The same by naming the file; hashes do not depend on where the folder lies.
            try FileManager.default.moveItem(atPath: scenes, toPath: folder + "/moved")
            let moved = try DatasetInspection.inspect(folder + "/moved/dataset.yaml", depth: .hashes)
            #expect(moved.splits.map(\.contentHash) == report.splits.map(\.contentHash))
        }
    }

    @Test func defectsAreListed() throws {
        try withTemporaryFolder { folder in
            let scenes = try drawn(folder)
            let picture = scenes + "/coco/val/000000000001.jpg"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: picture))
            try FileManager.default.removeItem(atPath: picture)
            try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: picture))
            let report = try DatasetInspection.inspect(scenes, depth: .defects)
            let sections = report.splits.filter { $0.findings?.isEmpty == false }.map { "\($0.section)/\($0.split)" }
            #expect(sections == ["detection/val", "unlabelled/val"])
            #expect(
                report.text.contains("000000000001.jpg") && report.json["findings"]?.int == Int64(report.findingCount))
        }
    }

    @Test func splitsThatCannotBeOpenedAreDefects() throws {
        try withTemporaryFolder { folder in
            try write("a: {kind: pictures, root: ., splits: {val: {images: nowhere}}}\n", to: folder + "/dataset.yaml")
            let report = try DatasetInspection.inspect(folder, depth: .defects)
            #expect(report.findingCount == 1 && report.splits[0].contentHash == nil)
            #expect(throws: DataError.self) { try DatasetInspection.inspect(folder, depth: .counts) }
        }
    }

    @Test func descriptorsAreStrict() throws {
        try withTemporaryFolder { folder in
            func refusal(_ text: String) throws -> DataError? {
                try write(text, to: folder + "/dataset.yaml")
                return #expect(throws: DataError.self) { try DatasetFile(folder) }
            }
            let kind = try refusal("a: {kind: cocoo, root: x, splits: {}}\n")
            #expect(kind?.remedy == "did you mean 'coco'?" && kind?.kind == .configuration)
            let split = try refusal("a: {kind: pictures, root: x, splits: {val: {imags: y}}}\n")
            #expect(split?.record == "a.splits.val.images")
            let labels = try refusal("a: {kind: pictures, root: x, splits: {val: {images: y, labels: z}}}\n")
            #expect(labels?.record == "a.splits.val.labels" && labels?.found == "an unknown key")
            #expect(
                try refusal("a: {kind: pictures, root: x, split: {}}\n")?.remedy == "is 'split' meant to be 'splits'?")
            #expect(try refusal("{}\n") != nil)
            let range = try refusal(
                "a: {kind: ade20k, root: x, ignore_label: -1, splits: {val: {images: y, labels: z}}}\n")
            #expect(range?.record == "a.ignore_label")
            #expect(throws: DataError.self) { try DatasetFile(folder + "/none") }
        }
    }
}
