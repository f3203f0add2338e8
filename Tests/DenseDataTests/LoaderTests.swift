import Foundation
import Geometry
import ImageFiles
import SafeFiles
import Testing

@testable import DenseData

@Suite struct LoaderTests {
    /// Three pictures of 12 x 10 with labels 0...3, two classes folders, one instances file.
    static func make(_ folder: String) throws {
        for part in ["images", "labels", "classes/ant", "classes/bee"] { try Folder.create("\(folder)/\(part)") }
        for (n, name) in ["a", "b", "c"].enumerated() {
            let picture = Drawn.picture(12, 10, seed: UInt64(n))
            try AtomicFile.write(JPEGFile.encode(picture, quality: 90), to: "\(folder)/images/\(name).jpg")
            try AtomicFile.write(
                PNGFile.encode(Drawn.labels(12, 10, classes: 4, seed: UInt64(n))), to: "\(folder)/labels/\(name).png")
            try AtomicFile.write(
                PNGFile.encode(picture), to: "\(folder)/classes/\(n == 1 ? "bee" : "ant")/\(name).png")
        }
        try AtomicFile.write(
            "Idx\tRatio\tTrain\tVal\tName\n1\t0.1\t3\t3\twall, brick \n2\t0.2\t1\t1\tsky\n3\t0\t0\t0\tbed \n",
            to: "\(folder)/objectInfo3.txt")
    }

    static func segmentation(
        _ folder: String, classes: [String] = ["wall", "sky", "bed"], list: [String]? = nil, budget: Int = 1 << 20
    ) throws -> SegmentationFolder {
        try SegmentationFolder(
            name: "toy", split: "val", images: folder + "/images", labels: folder + "/labels", classes: classes,
            imageList: list.map { ("list.txt", $0) }, store: PictureStore(budget: budget))
    }

    @Test func labelsBecomeTrainingLabels() throws {
        try withTemporaryFolder { folder in
            try Self.make(folder)
            let data = try Self.segmentation(folder)
            #expect(data.count == 3)
            let stored = Drawn.labels(12, 10, classes: 4, seed: 1)
            let sample = try data.sample(at: 1)
            #expect(sample.name == "b.jpg")
            #expect(sample.labels.values == stored.values.map { $0 == 0 ? 255 : $0 - 1 })
            #expect(try data.sample(at: 1) == sample)
            #expect(try Self.segmentation(folder, budget: 0).sample(at: 1) == sample)
            #expect(data.findings().isEmpty)
        }
    }

    @Test func aLabelAboveTheClassesNamesFileAndPixel() throws {
        try withTemporaryFolder { folder in
            try Self.make(folder)
            var labels = LabelImage(height: 12, width: 10, values: [UInt16](repeating: 1, count: 120))
            labels.values[5 * 10 + 7] = 4
            try AtomicFile.write(PNGFile.encode(labels), to: folder + "/labels/b.png")
            let data = try Self.segmentation(folder)
            let error = #expect(throws: DataError.self) { try data.sample(at: 1) }
            #expect(error?.file.hasSuffix("labels/b.png") == true)
            #expect(error?.record == "pixel x 7 y 5")
            #expect(error?.found == "4")
            #expect(throws: DataError.self) { try Self.segmentation(folder, classes: (0..<300).map(String.init)) }
        }
    }

    /// Every planted defect is found, in order, and nothing else.
    @Test func findingsNameEveryDefect() throws {
        try withTemporaryFolder { folder in
            try Self.make(folder)
            let jpeg = try FileBytes.read(folder + "/images/a.jpg", limit: 1 << 20)
            try AtomicFile.write(Array(jpeg.prefix(jpeg.count / 2)), to: folder + "/images/a.jpg")
            try AtomicFile.write(
                PNGFile.encode(Drawn.labels(6, 10, classes: 3, seed: 1)), to: folder + "/labels/b.png")
            try AtomicFile.write(PNGFile.encode(Drawn.picture(12, 10, seed: 1)), to: folder + "/labels/c.png")
            let wide = Drawn.labels(12, 10, classes: 3, seed: 2)
            try AtomicFile.write(PNGFile.encode(wide, bitDepth: 16), to: folder + "/labels/d.png")
            try AtomicFile.write(
                JPEGFile.encode(Drawn.picture(12, 10, seed: 4), quality: 80), to: folder + "/images/d.jpg")
            try AtomicFile.write(
                JPEGFile.encode(Drawn.picture(12, 10, seed: 5), quality: 80), to: folder + "/images/e.jpg")
            let found = try Self.segmentation(folder).findings()
            #expect(found.map { Folder.name(of: $0.file) } == ["a.jpg", "b.png", "c.png", "d.png", "e.png"])
            #expect(found[1].problem.contains("12x10") && found[1].problem.contains("6x10"))
            #expect(found[2].problem.contains("3 samples a pixel"))
            #expect(found[3].problem.contains("16 bits"))
            #expect(found[4].problem.contains("No such file"))
        }
    }

    @Test func imageListsRestrictAndKeepTheOrder() throws {
        try withTemporaryFolder { folder in
            try Self.make(folder)
            let data = try Self.segmentation(folder, list: ["c", "a.jpg"])
            #expect((0..<data.count).map { data.name(at: $0) } == ["a.jpg", "c.jpg"])
            let error = #expect(throws: DataError.self) { try Self.segmentation(folder, list: ["a", "nobody.jpg"]) }
            #expect(error?.file == "list.txt" && error?.record == "nobody.jpg")
            #expect(throws: DataError.self) { try Self.segmentation(folder, list: []) }
            try AtomicFile.write("# some\n\n a.jpg \r\nb\n", to: folder + "/list")
            #expect(try ImageList.read(folder + "/list") == ["a.jpg", "b"])
        }
    }

    @Test func classNamesComeFromDisk() throws {
        try withTemporaryFolder { folder in
            try Self.make(folder)
            #expect(try ClassNames.read(folder + "/objectInfo3.txt") == ["wall, brick", "sky", "bed"])
            try AtomicFile.write("cat\ndog\n", to: folder + "/names")
            #expect(try ClassNames.read(folder + "/names") == ["cat", "dog"])
            try AtomicFile.write("Idx\tName\n1\tcat\n3\tdog\n", to: folder + "/gap")
            #expect(#expect(throws: DataError.self) { try ClassNames.read(folder + "/gap") }?.record == "line 3")
        }
    }

    @Test func classFoldersAndPicturesAreListedInOrder() throws {
        try withTemporaryFolder { folder in
            try Self.make(folder)
            let data = try ClassFolder(name: "toy", split: "train", root: folder + "/classes")
            #expect(data.info.classes == ["ant", "bee"])
            #expect((0..<3).map { data.name(at: $0) } == ["ant/a.png", "ant/c.png", "bee/b.png"])
            #expect((0..<3).map { data.label(at: $0) } == [0, 0, 1])
            #expect(try data.sample(at: 2).picture == Drawn.picture(12, 10, seed: 1))
            let all = try PictureFolder(name: "toy", split: "all", root: folder)
            #expect(all.count == 9)
            #expect(all.name(at: 0) == "classes/ant/a.png")
            let hash = try data.contentHash()
            #expect(hash.count == 64)
            try AtomicFile.write(PNGFile.encode(Drawn.picture(12, 10, seed: 9)), to: folder + "/classes/bee/b.png")
            #expect(try data.contentHash() != hash)
            #expect(throws: DataError.self) { try ClassFolder(name: "x", split: "x", root: folder + "/images") }
        }
    }

    /// Views from memory, from a fresh file and from a part of a file are the same, JPEG and PNG alike.
    @Test func viewsDoNotDependOnTheBudget() throws {
        try withTemporaryFolder { folder in
            try Self.make(folder)
            try AtomicFile.write(
                JPEGFile.encode(Drawn.picture(50, 61, seed: 4), quality: 90), to: folder + "/classes/bee/b.jpg")
            let window = Window(top: 2, left: 1, height: 7, width: 6)
            let size = ImageSize(height: 5, width: 4)
            for index in 0..<4 {
                var views: [Picture] = []
                for budget in [0, 400, 1 << 20] {
                    let data = try ClassFolder(
                        name: "toy", split: "train", root: folder + "/classes", store: PictureStore(budget: budget))
                    for _ in 0..<2 {
                        views.append(
                            try data.view(at: index, filter: .bicubicAntialiased) { _ in
                                Framing(
                                    source: window, resized: size, crop: Window(height: 5, width: 4),
                                    isMirrored: true, output: size)
                            })
                    }
                    #expect(data.store.keptBytes <= budget)
                }
                #expect(views.allSatisfy { $0 == views[0] }, "sample \(index)")
            }
        }
    }

    @Test func theContentHashDoesNotDependOnHowTheFolderIsWritten() throws {
        func hash(_ folder: String) throws -> String {
            try DetectionDataset(
                name: "toy", split: "val", annotations: folder + "/truth.json", images: folder + "/images"
            ).contentHash()
        }
        try withTemporaryFolder { folder in
            try Self.make(folder)
            try AtomicFile.write(Self.instances("a.jpg", annotations: ""), to: folder + "/truth.json")
            #expect(try hash(folder) == hash(folder + "/images/.."))
        }
    }

    static func instances(_ name: String, annotations: String, height: Int = 12) -> String {
        """
        {"images":[{"id":7,"file_name":"\(name)","height":\(height),"width":10}],
         "categories":[{"id":5,"name":"bee"},{"id":2,"name":"ant"}],"annotations":[\(annotations)]}
        """
    }

    @Test(arguments: ["../images/a.jpg", "/etc/passwd", "a\\\\b.jpg", ""]) func hostileNamesAreNeverOpened(name: String)
        throws
    {
        try withTemporaryFolder { folder in
            try Self.make(folder)
            try AtomicFile.write(Self.instances(name, annotations: ""), to: folder + "/truth.json")
            let error = #expect(throws: DataError.self) {
                try DetectionDataset(
                    name: "toy", split: "val", annotations: folder + "/truth.json", images: folder + "/images"
                ).sample(at: 0)
            }
            #expect(error?.kind == .malformed)
        }
    }

    @Test func detectionSamplesUseClassIndices() throws {
        try withTemporaryFolder { folder in
            try Self.make(folder)
            let annotations = """
                {"id":0,"image_id":7,"category_id":5,"bbox":[1,2,3,4],"area":12,"iscrowd":0,
                 "segmentation":[[1,2,4,2,4,6,1,6]]},
                {"id":1,"image_id":7,"category_id":2,"bbox":[1,2,0,4],"area":0,"iscrowd":0},
                {"id":2,"image_id":7,"category_id":2,"bbox":[50,50,3,4],"area":12,"iscrowd":0}
                """
            try AtomicFile.write(Self.instances("b.jpg", annotations: annotations), to: folder + "/truth.json")
            let data = try DetectionDataset(
                name: "toy", split: "val", annotations: folder + "/truth.json", images: folder + "/images")
            #expect(data.info.classes == ["ant", "bee"] && data.categoryIDs == [2, 5])
            let sample = try data.sample(at: 0)
            #expect(sample.imageID == 7)
            #expect(sample.objects.map(\.id) == [0, 2] && sample.objects[0].label == 1)
            #expect(sample.objects[0].box == Box(x0: 1, y0: 2, x1: 4, y1: 6))
            #expect(data.findings().map(\.record) == ["annotation 1", "annotation 2"])

            let framing = Framing(of: ImageSize(height: 12, width: 10), squeezedTo: ImageSize(height: 24, width: 20))
            let framed = try #require(
                try framing.mirrored().object(sample.objects[0], of: data.size(at: 0), in: "truth"))
            #expect(framed.box == Box(x0: 12, y0: 4, x1: 18, y1: 12))
            #expect(framed.mask?.area == 48)
            #expect(try framing.object(sample.objects[1], of: data.size(at: 0), in: "truth") == nil)

            try AtomicFile.write(
                Self.instances("b.jpg", annotations: "", height: 13), to: folder + "/tall.json")
            let tall = try DetectionDataset(
                name: "toy", split: "val", annotations: folder + "/tall.json", images: folder + "/images")
            #expect(#expect(throws: DataError.self) { try tall.sample(at: 0) }?.found == "12x10")
            try AtomicFile.write(Self.instances("z.jpg", annotations: ""), to: folder + "/none.json")
            let none = try DetectionDataset(
                name: "toy", split: "val", annotations: folder + "/none.json", images: folder + "/images")
            #expect(#expect(throws: DataError.self) { try none.sample(at: 0) }?.kind == .missing)
        }
    }
}
