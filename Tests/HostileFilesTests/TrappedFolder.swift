import Annotations
import CheckpointIO
import DenseData
import Foundation
import ImageFiles
import JSONText
import SafeFiles
import TestSupport

@testable import EvaluationHarness

/// A data set's folder among files that are none of its business, with ways out of it.
struct TrappedFolder {
    let root: String
    let outside: String

    /// Below `folder`: `root/` with links, a pipe and a folder under names of pictures; `outside/` with good files.
    init(_ folder: String) throws {
        // Links on the way to the temporary folder are no matter of this test.
        let base = try RootedPath(root: folder).root
        (root, outside) = (base + "/root", base + "/outside")
        try Folder.create(root + "/sub.jpg")
        try Folder.create(outside + "/deep")
        let picture = JPEGFile.encode(BadFile.picture(), quality: 80)
        let map = PNGFile.encode(LabelImage(height: 24, width: 32, values: [UInt16](repeating: 1, count: 768)))
        var tar = TarWriter()
        tar.add("a.jpg", picture)
        tar.add("a.cls", "0")
        for place in [outside, outside + "/deep"] {
            for name in ["secret", "secret.jpg"] { try Self.put(picture, "\(place)/\(name)") }
            try Self.put(map, "\(place)/secret.png")
            try Self.put(tar.archive, "\(place)/secret.tar")
            try Self.put(Array("a\n".utf8), "\(place)/secret.txt")
            try BadFile.record().write(to: "\(place)/secret.json")
        }
        try Self.put(picture, root + "/own.jpg")
        for ending in ["jpg", "png", "tar", "txt", "json"] {
            try Self.link("\(outside)/secret.\(ending)", root + "/link.\(ending)")
        }
        try Self.link("../outside/secret.jpg", root + "/near.jpg")
        try Self.link("link.jpg", root + "/twice.jpg")
        try Self.link("/dev/zero", root + "/device.jpg")
        try Self.link(root + "/round.jpg", root + "/round.jpg")
        try Self.link(outside, root + "/way")
        guard mkfifo(root + "/pipe.jpg", 0o600) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    static func put(_ bytes: [UInt8], _ path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

    static func link(_ target: String, _ path: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    /// Names that lead, or seem to lead, out of the root, or to what is no regular file.
    var names: [String] {
        let up = String(repeating: "../", count: 40)
        return [
            "", ".", "..", "/", "//", "./", "../", "sub.jpg", "sub.jpg/", "sub.jpg/..", "\(outside)/secret.jpg",
            "/\(outside)/secret.jpg",
            "../outside/secret.jpg", "./../outside/secret.jpg", "sub.jpg/../../outside/secret.jpg",
            "..//outside//secret.jpg",
            "\(up)\(outside.dropFirst())/secret.jpg", "..\\outside\\secret.jpg", "\\\(outside)\\secret.jpg",
            "C:\\outside\\secret.jpg", "..\\../outside/secret.jpg", "own.jpg\u{0}/../../outside/secret.jpg", "\u{0}",
            "../outside/secret.jpg\u{0}.jpg",
            "file://\(outside)/secret.jpg", "%2e%2e/outside/secret.jpg", "..%2foutside%2fsecret.jpg",
            "%2e%2e%2foutside/secret.jpg",
            "..%c0%af/outside/secret.jpg", "\u{2025}/outside/secret.jpg", "\u{FF0E}\u{FF0E}/outside/secret.jpg",
            "..\u{2215}outside\u{2215}secret.jpg", ".\u{200B}./outside/secret.jpg", "..\u{FF0F}outside/secret.jpg",
            ".. /outside/secret.jpg", " ../outside/secret.jpg", "~/secret.jpg", "$HOME/secret.jpg", "`pwd`/secret.jpg",
            "link.jpg", "link.png", "link.tar", "link.txt", "link.json", "near.jpg", "twice.jpg", "round.jpg",
            "device.jpg", "pipe.jpg",
            "way/secret.jpg", "way/deep/secret.jpg", "way/../outside/secret.jpg", "/dev/stdin", "/proc/self/environ",
            String(repeating: "a/", count: 3000) + "secret.jpg", String(repeating: "b", count: 300) + ".jpg",
        ]
    }

    private func json(_ text: String) -> String { JSONValue.string(text).text() }

    private func write(_ text: String, _ name: String) throws -> String {
        try Self.put(Array(text.utf8), "\(root)/\(name)")
        return "\(root)/\(name)"
    }

    /// A reader that takes a name out of a file.
    struct Reader {
        var name: String
        /// Whether each of the names must end in an error.
        var isRefused: Bool
        /// Given the name.
        var read: (String) throws -> Void

        init(_ name: String, isRefused: Bool = true, _ read: @escaping (String) throws -> Void) {
            (self.name, self.isRefused, self.read) = (name, isRefused, read)
        }
    }

    /// Every reader that takes a name out of a file.
    var readers: [Reader] {
        [
            Reader("COCO's file_name") { name in
                let image = "{\"id\":1,\"file_name\":\(json(name)),\"height\":24,\"width\":32}"
                let file = try write(BadFile.truth(images: "[\(image)]"), "instances.txt")
                _ = try DetectionDataset(name: "d", split: "val", annotations: file, images: root).sample(at: 0)
            },
            Reader("a panoptic file_name") { name in
                let file = try write(
                    """
                    {"images":[\(BadFile.image)],"categories":[{"id":1,"name":"a","isthing":1}],"annotations":[
                    {"image_id":1,"file_name":\(json(name)),"segments_info":[]}]}
                    """, "panoptic.txt")
                let side = PanopticScoring.Side(file: file, folder: root)
                _ = try PanopticScoring.run(gt: side, dt: side)
            },
            Reader("an image list") { name in
                // Real pictures, so that what is not listed is not the reason.
                let images = root + "/images"
                try Folder.create(images)
                try Self.put(JPEGFile.encode(BadFile.picture(), quality: 80), images + "/own.jpg")
                let list = try write(name + "\n", "list.txt")
                let data = try PictureFolder(
                    name: "p", split: "val", root: images, imageList: (list, ImageList.read(list)))
                _ = try data.sample(at: 0)
            },
            Reader("a pattern of shards") { name in
                _ = try PictureShards(name: "s", split: "val", root: root, shards: name).sample(at: 0)
            },
            Reader("a file of class names") { name in
                var tar = TarWriter()
                tar.add("a.jpg", JPEGFile.encode(BadFile.picture(), quality: 80))
                tar.add("a.cls", "0")
                try Folder.create(root + "/shards")
                try Self.put(tar.archive, root + "/shards/own.tar")
                _ = try ClassShards(name: "s", split: "val", root: root, shards: "shards/own.tar", classes: name)
            },
            Reader("a member of a tar archive", isRefused: false) { name in
                var tar = TarWriter()
                tar.addWithRecords([("path", name)], "a.jpg", JPEGFile.encode(BadFile.picture(), quality: 80))
                try Self.put(tar.archive, root + "/members.bin")
                _ = try PictureShards(name: "s", split: "val", root: root, shards: "members.bin").sample(at: 0)
            },
            Reader("a link in a tar archive") { name in
                var tar = TarWriter()
                tar.add("a.jpg", type: "2") { header in
                    let target = Array(name.utf8.prefix(100))
                    header.replaceSubrange(157..<157 + target.count, with: target)
                }
                try Self.put(tar.archive, root + "/links.bin")
                _ = try PictureShards(name: "s", split: "val", root: root, shards: "links.bin").sample(at: 0)
            },
            Reader("an entry of a NumPy archive", isRefused: false) { name in
                let array =
                    [0x93] + Array("NUMPY\u{1}\u{0}".utf8) + littleEndian(UInt16(54))
                    + Array("{'descr': '|u1', 'fortran_order': False, 'shape': ()}\n".utf8) + [7]
                try Self.put(HandMadeZip([.init(name: name + ".npy", data: array)]).bytes(), root + "/arrays.npz")
                let archive = try CheckpointArchive.open(root + "/arrays.npz")
                for entry in archive.entries { _ = try archive.bytes(of: entry.name) }
            },
            Reader("a record of a checkpoint") { name in
                let pickle = PickleText.state(PickleText.tensor(PickleText.storage(key: name)))
                let file = HandMadeZip.checkpoint(pickle, storages: [name: (0..<24).map { UInt8($0) }]).bytes()
                try Self.put(file, root + "/weights.pth")
                let archive = try CheckpointArchive.open(root + "/weights.pth")
                for entry in archive.entries { _ = try archive.bytes(of: entry.name) }
            },
            Reader("a gate's record") { name in
                let rules = try write(
                    "kind: gate\nrecord: \(json(name))\nmetrics: {mIoU: {max_drop: 1}}\n", "gate.yaml")
                _ = try GateBaseline.load(GateRules(file: rules))
            },
        ]
    }
}
