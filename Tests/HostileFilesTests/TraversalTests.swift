import DenseData
import Foundation
import ImageFiles
import SafeFiles
import Testing

@testable import EvaluationHarness

/// Names that files hold never lead out of the data set's folder.
@Suite struct TraversalTests {
    private func withTraps(_ body: (TrappedFolder) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "dmt-traps-" + UUID().uuidString
        try Folder.create(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(try TrappedFolder(folder))
    }

    private func watch(_ traps: TrappedFolder) throws -> OpenWatch {
        try OpenWatch([traps.outside, traps.outside + "/deep"])
    }

    @Test func theWatchSees() throws {
        try withTraps { traps in
            let watch = try watch(traps)
            #expect(watch.opened() == [])
            _ = try PictureFile.load(traps.outside + "/secret.jpg")
            #expect(watch.opened().contains("secret.jpg"))
            _ = try PictureFile.load(traps.root + "/way/deep/secret.jpg")
            #expect(watch.opened().contains("secret.jpg"))
        }
    }

    @Test func namesInFilesOpenNothingOutside() throws {
        try withTraps { traps in
            #expect(traps.names.count >= 40 && Set(traps.names).count == traps.names.count)
            let watch = try watch(traps)
            for reader in traps.readers {
                for name in traps.names {
                    do {
                        try reader.read(name)
                        if reader.isRefused { Issue.record("\(reader.name) took \(name.debugDescription)") }
                    } catch {
                        let code = FailureReport(error).exitCode
                        #expect([65, 66, 78].contains(code), "\(reader.name), \(name.debugDescription): \(error)")
                    }
                    let opened = watch.opened()
                    #expect(opened == [], "\(reader.name) opened \(opened) for \(name.debugDescription)")
                }
            }
        }
    }

    /// Each reader of a folder meets one entry that leads elsewhere.
    @Test(arguments: ["link.jpg", "near.jpg", "twice.jpg", "round.jpg", "device.jpg", "pipe.jpg", "link.png"])
    func entriesOfFoldersOpenNothingOutside(_ trap: String) throws {
        try withTraps { traps in
            let ending = String(trap.suffix(4))
            let folders = ["images", "labels", "classes/a"].map { "\(traps.root)/\($0)" }
            for folder in folders { try Folder.create(folder) }
            func place(_ folder: String, _ name: String, trapped: Bool) throws {
                let path = "\(folder)/\(name)"
                try? FileManager.default.removeItem(atPath: path)
                if !trapped {
                    let map = LabelImage(height: 24, width: 32, values: [UInt16](repeating: 1, count: 768))
                    let bytes =
                        name.hasSuffix("png") ? PNGFile.encode(map) : JPEGFile.encode(BadFile.picture(), quality: 80)
                    return try TrappedFolder.put(bytes, path)
                }
                if trap == "pipe.jpg" {
                    #expect(mkfifo(path, 0o600) == 0)
                } else if trap == "round.jpg" {
                    try TrappedFolder.link(path, path)
                } else {
                    let target = trap == "device.jpg" ? "/dev/zero" : "\(traps.outside)/secret\(ending)"
                    try TrappedFolder.link(target, path)
                }
            }
            let watch = try watch(traps)
            func expectRefusal(_ what: String, _ read: () throws -> Void) {
                do {
                    try read()
                    Issue.record("\(what) took \(trap)")
                } catch {
                    #expect([65, 66].contains(FailureReport(error).exitCode), "\(what), \(trap): \(error)")
                }
                let opened = watch.opened()
                #expect(opened == [], "\(what) opened \(opened) for \(trap)")
            }
            let root = traps.root
            try place(folders[0], "a\(ending)", trapped: true)
            try place(folders[1], "a.png", trapped: false)
            try place(folders[2], "a\(ending)", trapped: true)
            expectRefusal("a folder of pictures") {
                _ = try PictureFolder(name: "p", split: "val", root: folders[0]).sample(at: 0)
            }
            expectRefusal("a folder of classes") {
                _ = try ClassFolder(name: "c", split: "val", root: root + "/classes").sample(at: 0)
            }
            func segmentation() throws -> SegmentationFolder {
                try SegmentationFolder(
                    name: "s", split: "val", images: folders[0], labels: folders[1], classes: ["a", "b"],
                    reducesZeroLabel: false)
            }
            expectRefusal("pictures of a segmentation") { _ = try segmentation().sample(at: 0) }
            expectRefusal("pictures of YOLO's files") {
                try TrappedFolder.put(Array("0 0.5 0.5 0.2 0.2\n".utf8), folders[1] + "/a.txt")
                var options = CocoScoring.Options()
                options.pictures = folders[0]
                _ = try CocoScoring.run(gt: folders[1], dt: folders[1], iouType: .box, options: options)
            }
            try place(folders[0], "a\(ending)", trapped: false)
            try place(folders[1], "a.png", trapped: true)
            expectRefusal("labels of a segmentation") { _ = try segmentation().sample(at: 0) }
            for (labels, predictions) in [
                (folders[1], folders[1]), (root + "/good", folders[1]), (folders[1], root + "/good"),
            ] {
                try Folder.create(root + "/good")
                try place(root + "/good", "a.png", trapped: false)
                expectRefusal("label maps of a score") {
                    _ = try SemsegScoring.run(
                        labels: labels, predictions: predictions,
                        dataset: SemsegScoring.dataset(classCount: 3, ignoreLabel: 255, reducesZeroLabel: false))
                }
            }
        }
    }

    @Test func foldersThatAreLinksAreNotListed() throws {
        try withTraps { traps in
            let watch = try watch(traps)
            for (name, open) in [
                ("classes", { path in _ = try ClassFolder(name: "c", split: "val", root: path) }),
                ("pictures", { path in _ = try PictureFolder(name: "p", split: "val", root: path) }),
            ] as [(String, (String) throws -> Void)] {
                let root = "\(traps.root)/\(name)"
                try Folder.create(root + "/a")
                try TrappedFolder.put(JPEGFile.encode(BadFile.picture(), quality: 80), root + "/a/own.jpg")
                try open(root)
                try TrappedFolder.link(traps.outside, root + "/b")
                let error = #expect(throws: DataError.self) { try open(root) }
                #expect(error?.kind == .malformed && error?.file.hasSuffix("/b") == true)
                #expect(watch.opened() == [], "\(name)")
            }
        }
    }

    @Test func linksAreFollowedWhereTheyAreAllowed() throws {
        try withTraps { traps in
            try Folder.create(traps.root + "/labels")
            try TrappedFolder.link(traps.outside + "/secret.png", traps.root + "/labels/a.png")
            let dataset = try SemsegScoring.dataset(classCount: 3, ignoreLabel: 255, reducesZeroLabel: false)
            let labels = traps.root + "/labels"
            let error = #expect(throws: DataError.self) {
                try SemsegScoring.run(labels: labels, predictions: labels, dataset: dataset)
            }
            #expect(error?.remedy.contains("--allow-symlinks") == true)
            let score = try SemsegScoring.run(labels: labels, predictions: labels, dataset: dataset, allowsLinks: true)
            #expect(score.metrics.first { $0.name == "mIoU" }?.value == 1)
        }
    }
}
