import Annotations
import Determinism
import Foundation
import Geometry
import ImageFiles
import SafeFiles
import Testing

@testable import DenseData

/// A fresh folder that is removed after the body.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "dmt-densedata-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

@Suite struct DrawnSceneTests {
    @Test func isAPureFunctionOfItsKeys() {
        let scene = DrawnScene(seed: 3, split: "train", index: 5, size: 64)
        #expect(scene == DrawnScene(seed: 3, split: "train", index: 5, size: 64))
        #expect(scene.picture != DrawnScene(seed: 4, split: "train", index: 5, size: 64).picture)
        #expect(scene.picture != DrawnScene(seed: 3, split: "val", index: 5, size: 64).picture)
        #expect(scene.picture != DrawnScene(seed: 3, split: "train", index: 6, size: 64).picture)
    }

    @Test func masksAreDisjointAndAgreeWithTheLabels() {
        var crowds = 0
        for index in 0..<60 {
            let scene = DrawnScene(seed: 1, split: "train", index: index, size: 48)
            var owner = [Int](repeating: -1, count: 48 * 48)
            for (number, instance) in scene.instances.enumerated() {
                crowds += instance.isCrowd ? 1 : 0
                var area = 0
                for pixel in instance.mask.indices where instance.mask[pixel] != 0 {
                    #expect(owner[pixel] == -1)
                    owner[pixel] = number
                    area += 1
                    #expect(Int(scene.labels.values[pixel]) == SceneClasses.label(ofThing: instance.thing))
                    let (x, y) = (pixel % 48 - instance.box.x, pixel / 48 - instance.box.y)
                    #expect(x >= 0 && y >= 0 && x < instance.box.width && y < instance.box.height)
                }
                #expect(area == instance.area && area >= 6)
                #expect(instance.visibleShare > 0 && instance.visibleShare <= 1)
            }
            #expect(scene.labels.values.allSatisfy { $0 <= 14 })
            #expect((45...89).contains(scene.jpegQuality))
        }
        #expect(crowds > 0)
    }

    /// The same scene, finer: things keep their place and share of the picture.
    @Test func sizeOnlyChangesTheSampling() {
        for index in 0..<5 {
            let coarse = DrawnScene(seed: 2, split: "train", index: index, size: 48)
            let fine = DrawnScene(seed: 2, split: "train", index: index, size: 96)
            for instance in coarse.instances where instance.area > 60 {
                let twin = fine.instances.contains {
                    $0.thing == instance.thing && abs($0.area - 4 * instance.area) < instance.area
                        && abs($0.box.x - 2 * instance.box.x) <= 4
                }
                #expect(twin, "scene \(index)")
            }
        }
    }

    @Test func thingsAreSmallAndMediumAndNeverLargeAt96() {
        var (small, medium, all) = (0, 0, 0)
        var kinds = Set<Int>()
        for index in 0..<80 {
            for instance in DrawnScene(seed: 9, split: "train", index: index, size: 96).instances
            where !instance.isCrowd {
                all += 1
                small += instance.area < 1024 ? 1 : 0
                medium += instance.area >= 1024 ? 1 : 0
                kinds.insert(instance.thing)
                #expect(instance.area <= 9216)
            }
        }
        #expect(kinds.count == 6)
        #expect(Double(all) / 80 > 2 && Double(all) / 80 < 6)
        #expect(small > 0 && medium > all / 20)
    }
}

@Suite struct MaskOutlineTests {
    /// Filling a pixel-corner polygon by the crossing rule.
    static func fill(_ polygon: [Int], _ height: Int, _ width: Int) -> [UInt8] {
        var mask = [UInt8](repeating: 0, count: height * width)
        for y in 0..<height {
            for x in 0..<width {
                var inside = false
                for n in stride(from: 0, to: polygon.count, by: 2) {
                    let m = (n + 2) % polygon.count
                    guard polygon[n] == polygon[m] else { continue }
                    let (low, high) = (min(polygon[n + 1], polygon[m + 1]), max(polygon[n + 1], polygon[m + 1]))
                    if polygon[n] <= x && low <= y && y < high { inside.toggle() }
                }
                mask[y * width + x] = inside ? 1 : 0
            }
        }
        return mask
    }

    /// Background reachable from outside stays background; everything else is filled.
    static func closed(_ mask: [UInt8], _ height: Int, _ width: Int) -> [UInt8] {
        var outside = [Bool](repeating: false, count: (height + 2) * (width + 2))
        var waiting = [0]
        outside[0] = true
        while let cell = waiting.popLast() {
            let (x, y) = (cell % (width + 2), cell / (width + 2))
            // Background is 8-connected where parts are 4-connected.
            for dy in -1...1 {
                for dx in -1...1 {
                    let (nx, ny) = (x + dx, y + dy)
                    guard nx >= 0, ny >= 0, nx < width + 2, ny < height + 2, !outside[ny * (width + 2) + nx] else {
                        continue
                    }
                    if nx > 0 && ny > 0 && nx <= width && ny <= height && mask[(ny - 1) * width + nx - 1] != 0 {
                        continue
                    }
                    outside[ny * (width + 2) + nx] = true
                    waiting.append(ny * (width + 2) + nx)
                }
            }
        }
        return (0..<height * width).map { outside[($0 / width + 1) * (width + 2) + $0 % width + 1] ? 0 : 1 }
    }

    @Test func outlinesFillToTheMaskWithHolesClosed() {
        var stream = RandomStream(seed: 11, purpose: "mask")
        for round in 0..<200 {
            let (height, width) = (1 + stream.int(below: 9), 1 + stream.int(below: 9))
            let density = stream.uniform(0.2...0.9)
            let mask = (0..<height * width).map { _ in UInt8(stream.chance(density) ? 1 : 0) }
            var filled = [UInt8](repeating: 0, count: height * width)
            for polygon in MaskOutline.polygons(of: mask, height: height, width: width) {
                #expect(polygon.count >= 8)
                for (n, value) in Self.fill(polygon, height, width).enumerated() where value != 0 { filled[n] = 1 }
            }
            #expect(filled == Self.closed(mask, height, width), "round \(round)")
        }
    }

    @Test func simpleShapes() {
        #expect(MaskOutline.polygons(of: [1], height: 1, width: 1) == [[0, 0, 1, 0, 1, 1, 0, 1]])
        #expect(
            MaskOutline.polygons(of: [1, 0, 0, 1], height: 2, width: 2)
                == [[0, 0, 1, 0, 1, 1, 0, 1], [1, 1, 2, 1, 2, 2, 1, 2]])
        #expect(
            MaskOutline.polygons(of: [1, 1, 1, 0], height: 2, width: 2) == [[0, 0, 2, 0, 2, 1, 1, 1, 1, 2, 0, 2]])
        #expect(MaskOutline.columnRuns(of: [0, 1, 1, 1], height: 2, width: 2) == [1, 3])
        #expect(MaskOutline.columnRuns(of: [1, 0, 0, 1], height: 2, width: 2) == [0, 1, 2, 1])
    }
}

@Suite(.serialized) struct SceneDatasetTests {
    static func tree(_ folder: String) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder)
        where FileBytes.exists("\(folder)/\(name)") {
            files[name] = try FileBytes.read("\(folder)/\(name)", limit: 1 << 24)
        }
        return files
    }

    @Test func sameBytesAtAnyThreadCount() throws {
        try withTemporaryFolder { folder in
            let options = try SceneDataset.Options(trainCount: 9, validationCount: 4, size: 48, seed: 5)
            let before = Parallel.threadCount
            defer { Parallel.setThreadCount(before) }
            Parallel.setThreadCount(1)
            var steps: [Int] = []
            let summary = try SceneDataset.write(options, to: folder + "/one") { done, total in
                #expect(total == 13)
                steps.append(done)
            }
            #expect(steps == [9, 13])
            Parallel.setThreadCount(4)
            try SceneDataset.write(options, to: folder + "/four")
            let (one, four) = (try Self.tree(folder + "/one"), try Self.tree(folder + "/four"))
            #expect(one.count > 13 * 3)
            #expect(one.keys.sorted() == four.keys.sorted())
            #expect(one == four)
            #expect(summary.imageCount == ["train": 9, "val": 4])
            #expect(!one.keys.contains { $0.contains(".tmp.") })
        }
    }

    @Test func settingsOutOfRangeAreConfigurationErrors() {
        for (train, val, size) in [(-1, 1, 96), (1, -1, 96), (1, 1, 8), (1, 1, 100_000)] {
            let error = #expect(throws: DataError.self) {
                try SceneDataset.Options(trainCount: train, validationCount: val, size: size)
            }
            #expect(error?.kind == .configuration)
        }
    }

    /// What was written reads back through every loader without a finding, and agrees with the drawing.
    @Test func loadersReadWhatWasWritten() throws {
        try withTemporaryFolder { folder in
            try SceneDataset.write(
                SceneDataset.Options(trainCount: 30, validationCount: 3, size: 64, seed: 1), to: folder)
            let detection = try DetectionDataset(
                name: "scenes", split: "train", annotations: folder + "/coco/annotations/instances_train.json",
                images: folder + "/coco/train")
            let segmentation = try SegmentationFolder(
                DatasetDescriptor(
                    kind: .ade20k, root: "ADEChallengeData2016",
                    splits: ["train": .init(images: "images/training", labels: "annotations/training")]),
                name: "scenes", split: "train", in: folder)
            let classes = try ClassFolder(name: "scenes", split: "train", root: folder + "/classes/train")
            let pictures = try PictureFolder(name: "scenes", split: "train", root: folder + "/coco")
            #expect(detection.findings() == [] && segmentation.findings() == [])
            #expect(classes.findings() == [] && pictures.findings() == [])
            #expect(detection.count == 30 && segmentation.count == 30 && pictures.count == 33)
            #expect(detection.info.classes == SceneClasses.things)
            #expect(detection.categoryIDs == [9, 10, 11, 12, 13, 14])
            #expect(segmentation.info.classes == SceneClasses.all)
            #expect(classes.info.classes == SceneClasses.things.sorted())
            #expect(classes.count > 30)
            #expect(try classes.sample(at: 3).picture.height == 64)
            for index in 0..<30 {
                let scene = DrawnScene(seed: 1, split: "train", index: index, size: 64)
                let sample = try detection.sample(at: index)
                let map = try segmentation.sample(at: index)
                #expect(sample.picture == map.picture)
                #expect(map.labels.values == scene.labels.values.map { $0 == 0 ? 255 : $0 - 1 })
                #expect(sample.objects.map(\.label) == scene.instances.map(\.thing))
                for (object, instance) in zip(sample.objects, scene.instances) {
                    let mask = try object.segmentation!.mask(size: ImageSize(height: 64, width: 64)).bitmap
                    #expect(object.isCrowd == instance.isCrowd)
                    if object.isCrowd {
                        #expect(mask.pixels == instance.mask)
                    } else {
                        // COCO's rasteriser closes holes and may move the border by a pixel.
                        let closed = MaskOutlineTests.closed(instance.mask, 64, 64)
                        let differing = zip(mask.pixels, closed).count { $0 != $1 }
                        #expect(differing <= instance.box.width + instance.box.height)
                    }
                    #expect(object.box.width == Double(instance.box.width))
                }
            }
        }
    }
}
