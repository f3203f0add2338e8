import Annotations
import CheckpointIO
import DenseData
import Foundation
import ImageFiles
import SafeFiles

@testable import EvaluationHarness

/// The files on disk, each in a folder of its own with what its reader needs beside it.
struct BadFileStage {
    let root: String

    /// Writes the good files that stand beside bad ones.
    init(root: String) throws {
        self.root = root
        try Folder.create("\(root)/good/labels")
        try put(Array(BadFile.truth().utf8), "good/instances.json")
        try put(Array("[\(BadFile.result)]".utf8), "good/results.json")
        try put(JPEGFile.encode(BadFile.picture(), quality: 80), "good/a.jpg")
        let map = LabelImage(height: 6, width: 5, values: (0..<30).map { UInt16($0 % 3) })
        try put(PNGFile.encode(map), "good/labels/a.png")
        try BadFile.record().write(to: "\(root)/good/run.json")
    }

    private func put(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(root)/\(path)"))
    }

    func folder(_ file: BadFile) -> String { "\(root)/\(file.name)" }
    func path(_ file: BadFile) -> String { "\(root)/\(file.name)/\(file.file)" }

    /// Writes the file and its companions.
    func place(_ file: BadFile) throws {
        try Folder.create(folder(file))
        try put(file.bytes, "\(file.name)/\(file.file)")
        switch file.reader {
        case .picture:
            try put(
                Array("unlabelled: {kind: pictures, root: ., splits: {val: {images: .}}}\n".utf8),
                "\(file.name)/dataset.yaml")
        case .shards:
            let text = "classification: {kind: tar-shards, root: ., splits: {val: {shards: a.tar}}}\n"
            try put(Array(text.utf8), "\(file.name)/dataset.yaml")
        case .imageList:
            try put(JPEGFile.encode(BadFile.picture(), quality: 80), "\(file.name)/a.jpg")
            try put(
                Array("unlabelled: {kind: pictures, root: ., splits: {val: {images: .}}}\n".utf8),
                "\(file.name)/dataset.yaml")
        case .panoptic:
            try put(PNGFile.encode(Picture(height: 20, width: 30, filledWith: (5, 0, 0))), "\(file.name)/a.png")
        case .evidence: try put(Array(BadFile.record().json().text(pretty: true).utf8), "\(file.name)/run.json")
        default: break
        }
    }

    /// Reads the file as the program would; whatever the reader gives is thrown away.
    func read(_ file: BadFile) throws {
        let path = path(file)
        switch file.reader {
        case .checkpoint:
            let archive = try CheckpointArchive.open(path)
            for entry in archive.entries { _ = try archive.bytes(of: entry.name) }
        case .truth: _ = try CocoDataset.load(path)
        case .results: _ = try CocoScoring.run(gt: "\(root)/good/instances.json", dt: path, iouType: .box)
        case .masks: _ = try CocoScoring.run(gt: "\(root)/good/instances.json", dt: path, iouType: .mask)
        case .panoptic:
            let side = PanopticScoring.Side(file: path, folder: folder(file))
            _ = try PanopticScoring.run(gt: side, dt: side)
        case .recipe: _ = try Recipe.load(file: path)
        case .gate: _ = try GateRules(file: path)
        case .table: _ = try PaperTable.load(path)
        case .dataset: _ = try DatasetFile(path)
        case .imageList:
            _ = try PictureFolder(
                name: "p", split: "val", root: folder(file), imageList: (path, ImageList.read(path)))
        case .picture: _ = try PictureFile.load(path)
        case .labels:
            _ = try SemsegScoring.run(
                labels: "\(root)/good/labels", predictions: folder(file),
                dataset: SemsegScoring.dataset(classCount: 3, ignoreLabel: 255, reducesZeroLabel: false))
        case .shards:
            let data = try ClassShards(name: "a", split: "val", root: folder(file), shards: "a.tar")
            for index in 0..<data.count { _ = try data.sample(at: index) }
        case .record: _ = try FinishedRun(path)
        case .evidence: _ = try FinishedRun(folder(file))
        }
    }

    /// The words that give the file to the built program.
    func arguments(_ file: BadFile) -> [String] {
        let path = path(file)
        let good = (truth: "\(root)/good/instances.json", results: "\(root)/good/results.json")
        switch file.reader {
        case .checkpoint: return ["model", "info", path]
        case .truth: return ["data", "verify", path]
        case .results: return ["score", "coco", "--gt", good.truth, "--dt", path]
        case .masks: return ["score", "coco", "--gt", good.truth, "--dt", path, "--iou-type", "segm"]
        case .panoptic:
            return [
                "score", "panoptic", "--gt", path, "--dt", path, "--gt-folder", folder(file), "--dt-folder",
                folder(file),
            ]
        case .recipe: return ["recipes", "show", path]
        case .gate: return ["gate", "\(root)/good/run.json", "--baseline", path]
        case .table: return ["reproduce", path]
        case .dataset: return ["data", "info", path]
        case .imageList: return ["data", "verify", folder(file), "--image-list", path]
        case .picture, .shards: return ["data", "verify", folder(file)]
        case .labels:
            return [
                "score", "semseg", "--gt", "\(root)/good/labels", "--pred", folder(file), "--classes", "3",
                "--ignore-label", "255",
            ]
        case .record: return ["report", path]
        case .evidence: return ["compare", folder(file), folder(file)]
        }
    }
}
