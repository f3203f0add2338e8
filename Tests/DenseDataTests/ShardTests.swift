import Geometry
import ImageFiles
import SafeFiles
import TestSupport
import Testing

@testable import DenseData

@Suite struct ShardTests {
    /// The class folder of the loader tests, and the same pictures in two archives with `classes.txt`.
    private func make(_ folder: String) throws -> (folder: ClassFolder, shards: String) {
        try LoaderTests.make(folder)
        let classes = try ClassFolder(name: "toy", split: "train", root: folder + "/classes")
        var archives = [TarWriter(), TarWriter()]
        for index in 0..<classes.count {
            let name = classes.name(at: index)
            let bytes = try FileBytes.read("\(folder)/classes/\(name)", limit: 1 << 20)
            archives[index == 0 ? 0 : 1].add(name, bytes)
            archives[index == 0 ? 0 : 1].add(ImageList.stem(name) + ".cls", "\(classes.label(at: index))\n")
        }
        try Folder.create(folder + "/shards")
        for (place, archive) in archives.enumerated() {
            try AtomicFile.write(archive.archive, to: "\(folder)/shards/toy-0\(place).tar")
        }
        try AtomicFile.write("ant\nbee\n", to: folder + "/shards/classes.txt")
        return (classes, folder + "/shards")
    }

    private func open(
        _ folder: String, _ shards: String = "toy-{00..01}.tar", classes: String? = "classes.txt",
        list: [String]? = nil, budget: Int = 1 << 20
    ) throws -> ClassShards {
        try ClassShards(
            name: "toy", split: "train", root: folder, shards: shards, classes: classes,
            imageList: list.map { ("list.txt", $0) }, store: PictureStore(budget: budget))
    }

    /// One archive of the given members, opened with labels.
    private func error(_ members: (inout TarWriter) -> Void, classes: Int = 2) throws -> DataError? {
        try withTemporaryFolder { folder in
            var tar = TarWriter()
            members(&tar)
            try AtomicFile.write(tar.archive, to: folder + "/x.tar")
            try AtomicFile.write((0..<classes).map { "c\($0)\n" }.joined(), to: folder + "/classes.txt")
            let error = #expect(throws: DataError.self) { try open(folder, "x.tar") }
            #expect(error?.kind == .malformed && error?.file.hasSuffix("/x.tar") == true)
            return error
        }
    }

    @Test func theSameSamplesAsInAFolder() throws {
        try withTemporaryFolder { folder in
            let (classes, shards) = try make(folder)
            for budget in [0, 1 << 20] {
                let data = try open(shards, budget: budget)
                #expect(data.info == classes.info && data.count == classes.count)
                for index in 0..<classes.count {
                    #expect(try data.sample(at: index) == classes.sample(at: index))
                    #expect(data.label(at: index) == classes.label(at: index))
                    let framing = { (size: ImageSize) in Framing(of: size, shortSide: 6, centreCrop: 5) }
                    for _ in 0..<2 {
                        #expect(
                            try data.view(at: index, filter: .bilinearAntialiased, framing: framing)
                                == classes.view(at: index, filter: .bilinearAntialiased, framing: framing))
                    }
                }
                #expect(data.findings().isEmpty)
                #expect(data.files().map(Folder.name) == ["toy-00.tar", "toy-01.tar"])
                #expect(try data.contentHash() == ContentHash.of(["/toy-00.tar", "/toy-01.tar"].map { shards + $0 }))
            }
            let pictures = try PictureShards(name: "toy", split: "all", root: shards, shards: ".")
            #expect((0..<3).map(pictures.name) == (0..<3).map(classes.name))
            #expect(try pictures.sample(at: 2).picture == classes.sample(at: 2).picture)
        }
    }

    @Test func listsNamesAndUnnamedClasses() throws {
        try withTemporaryFolder { folder in
            let (classes, shards) = try make(folder)
            let data = try open(shards, list: ["bee/b", "ant/a.png"])
            #expect((0..<2).map(data.name) == ["ant/a.png", "bee/b.png"] && data.label(at: 1) == 1)
            #expect(try data.sample(at: 1) == classes.sample(at: 2))
            let first = try open(shards, list: ["ant/a"])
            #expect(first.files().map(Folder.name) == ["toy-00.tar"])
            #expect(try open(shards, classes: nil).info.classes == ["0", "1"])
            try AtomicFile.write("crane\ncrane\n", to: shards + "/classes.txt")
            let error = #expect(throws: DataError.self) { try open(shards) }
            #expect(error?.record == "class 1" && error?.found == "'crane' as class 0, too")
        }
    }

    @Test func groupsNeedNotStandTogether() throws {
        try withTemporaryFolder { folder in
            let picture = PNGFile.encode(Drawn.picture(4, 5, seed: 1))
            var tar = TarWriter()
            tar.add("./b.cls", "1")
            tar.add("./a.PNG", picture)
            tar.add("._a.png", "left by another system")
            tar.add("a.json", "{}")
            tar.add("a.seg.png", "labels")
            tar.add("README", "no ending")
            tar.add("./b.png", picture)
            tar.add("a.cls", " 0\r\n")
            try AtomicFile.write(tar.archive, to: folder + "/x.tar")
            let data = try open(folder, "*.tar", classes: nil)
            #expect((0..<2).map(data.name) == ["b.png", "a.PNG"])
            #expect((0..<2).map(data.label) == [1, 0])
            // A class without a picture matters where classes are asked for only.
            tar.add("c.cls", "1")
            try AtomicFile.write(tar.archive, to: folder + "/x.tar")
            #expect(try PictureShards(name: "x", split: "x", root: folder, shards: "x.tar").count == 2)
            #expect(throws: DataError.self) { try open(folder, "x.tar", classes: nil) }
        }
    }

    @Test func membersThatAreNoSamples() throws {
        #expect(try error { _ in }?.expected == "at least one member KEY.jpg, KEY.jpeg or KEY.png")
        #expect(try error { $0.add("a.txt", "x") }?.found == "none")
        let alone = try error { $0.add("a.jpg", "x") }
        #expect(alone?.record == "member a.jpg" && alone?.expected == "a member .cls of its key")
        #expect(try error { $0.add("a.cls", "1") }?.expected == "a picture of its key")
        for text in ["one", "", "-1", "1.0", "0x1", "1 2", "٣", "12345678901"] {
            let found = try error { tar in
                tar.add("a.jpg", "x")
                tar.add("a.cls", text)
            }
            #expect(found?.record == "member a.cls" && found?.expected == "a class number from 0 in digits", "\(text)")
        }
        let large = try error { tar in
            tar.add("a.jpg", "x")
            tar.add("a.cls", String(repeating: "1", count: 33))
        }
        #expect(large?.expected == "a class number of at most 32 bytes")
        let outside = try error { tar in
            tar.add("a.jpg", "x")
            tar.add("a.cls", "2")
        }
        #expect(outside?.expected == "a class from 0 to 1" && outside?.found == "2")
        let twice = try error { tar in
            tar.add("a.jpg", "x")
            tar.add("a.cls", "1")
            tar.add("a.png", "y")
        }
        #expect(twice?.record == "member a.png" && twice?.found == "a.jpg before it")
        #expect(
            try error { tar in
                tar.add("a.cls", "1")
                tar.add("a.cls", "1")
            }?.expected == "one class of each key")
        #expect(try error { $0.add("a.jpg", type: "2") }?.found == "a link or a sparse file")
        #expect(try error { $0.add("a.jpg", type: "S") }?.found == "a link or a sparse file")
        #expect(try error { $0.add("a\tb.jpg", "x") }?.expected == "a name without control characters")
        for name in ["../a.jpg", "/etc/a.jpg", "a/../../b.jpg"] {
            #expect(try error { $0.add(name, "x") }?.expected == "a name without '..' and without a leading slash")
        }
    }

    @Test func aKeyInTwoArchives() throws {
        try withTemporaryFolder { folder in
            for (place, ending) in ["jpg", "png"].enumerated() {
                var tar = TarWriter()
                tar.add("only\(place).jpg", "x")
                tar.add("same.\(ending)", "x")
                try AtomicFile.write(tar.archive, to: "\(folder)/\(place).tar")
            }
            let error = #expect(throws: DataError.self) {
                try PictureShards(name: "x", split: "x", root: folder, shards: "{0,1}.tar")
            }
            #expect(error?.file.hasSuffix("1.tar") == true && error?.record == "member same.png")
            #expect(error?.found.hasPrefix("same.jpg in ") == true)
        }
    }

    @Test func damagedPicturesNameArchiveAndMember() throws {
        try withTemporaryFolder { folder in
            let (_, shards) = try make(folder)
            var tar = TarWriter()
            tar.add("z.jpg", "no picture")
            tar.add("z.cls", "0")
            tar.add("empty.jpg", "")
            tar.add("empty.cls", "0")
            try AtomicFile.write(tar.archive, to: shards + "/toy-02.tar")
            let data = try open(shards, "toy-*.tar")
            #expect(data.count == 5)
            let findings = data.findings()
            #expect(findings.map(\.record) == ["member z.jpg", "member empty.jpg"])
            #expect(findings.allSatisfy { $0.file.hasSuffix("toy-02.tar") })
            // An archive that shrank after it was opened.
            try AtomicFile.write([UInt8](repeating: 0, count: 100), to: shards + "/toy-02.tar")
            #expect(throws: DataError.self) { try data.sample(at: 3) }
        }
    }

    @Test func patterns() throws {
        func expanded(_ pattern: String) throws -> [String] {
            try ShardPattern.expanded(pattern, source: "dataset.yaml")
        }
        #expect(try expanded("a.tar") == ["a.tar"])
        #expect(try expanded("a-{000..002}.tar") == ["a-000.tar", "a-001.tar", "a-002.tar"])
        #expect(try expanded("{8..11}") == ["8", "9", "10", "11"])
        #expect(try expanded("{08..11}") == ["08", "09", "10", "11"])
        #expect(try expanded("{a,b}-{0..1}") == ["a-0", "a-1", "b-0", "b-1"])
        #expect(try expanded("imagenet-train-{000000..000146}.tar").count == 147)
        for wrong in [
            "{", "}", "a{0..1", "{0..x}", "{3..1}", "{a}", "{{0..1}}", "{0..99999999}", "{0..9999}{0..9999}",
            "{0..1..2}",
            "a}b{0..1}", "{..3}", "{99999999999999999999..3}",
        ] {
            let error = #expect(throws: DataError.self) { try expanded(wrong) }
            #expect(error?.kind == .configuration && error?.record == "shards", "\(wrong)")
        }
        try withTemporaryFolder { folder in
            let (_, shards) = try make(folder)
            func files(_ pattern: String) throws -> [String] {
                try ShardPattern.files(pattern, in: RootedPath(root: folder), source: "y").map(Folder.name)
            }
            let both = ["toy-00.tar", "toy-01.tar"]
            for pattern in [
                "shards", "shards/*.tar", "shards/toy-{00..01}.tar", "shards/toy-0[01].tar", "shards/toy-0?.tar",
            ] {
                #expect(try files(pattern) == both, "\(pattern)")
            }
            #expect(#expect(throws: DataError.self) { try files("shards/toy-{01..02}.tar") }?.kind == .missing)
            #expect(#expect(throws: DataError.self) { try files("classes") }?.kind == .missing)
            #expect(#expect(throws: DataError.self) { try files("*/toy-00.tar") }?.kind == .configuration)
            for hostile in ["../x.tar", "../*.tar", "/etc/*.tar", ""] {
                #expect(throws: DataError.self) { try files(hostile) }
            }
            #expect(throws: DataError.self) {
                try ClassShards(name: "x", split: "x", root: shards + "/none", shards: ".")
            }
        }
    }
}
