import Geometry
import JSONText
import SafeFiles
import Testing

@testable import Annotations

@Suite struct CocoReadingTests {
    private let sample = """
        {"info":{"year":2020},"images":[{"id":5,"file_name":"a/b.jpg","height":4,"width":6,"license":1}],
         "annotations":[
          {"id":1,"image_id":5,"category_id":2,"bbox":[1,2,3,2],"area":6,"iscrowd":0,"segmentation":
           [[1,2,4,2,4,4,1,4]]},
          {"id":2.0,"image_id":5,"category_id":2,"bbox":[0,0,2,2],"area":4.5,"iscrowd":1,
           "segmentation":{"size":[4,6],"counts":[0,2,22]}},
          {"id":3,"image_id":5,"category_id":2,"bbox":[0,0,2,2],"area":4,"keypoints":[1,2,2,0,0,0],"num_keypoints":1}],
         "categories":[{"id":2,"name":"cat","supercategory":"animal","keypoints":["nose","tail"]}]}
        """

    private func read(_ text: String, checks: CocoChecks = .strict) throws -> CocoDataset {
        try Array(text.utf8).withUnsafeBytes { try CocoDataset.read($0, file: "gt.json", checks: checks) }
    }

    private func results(_ text: String) throws -> [DetectionResult] {
        try Array(text.utf8).withUnsafeBytes { try CocoResults.read($0, file: "dt.json").records }
    }

    private func refusal(_ body: () throws -> Void) -> DataError? {
        do {
            try body()
            return nil
        } catch { return error as? DataError }
    }

    @Test func readsEveryPart() throws {
        let data = try read(sample)
        #expect(data.images == [CocoImage(id: 5, fileName: "a/b.jpg", size: ImageSize(height: 4, width: 6))])
        #expect(
            data.categories == [
                CocoCategory(id: 2, name: "cat", supercategory: "animal", keypointNames: ["nose", "tail"])
            ])
        #expect(data.annotations.map(\.id) == [1, 2, 3])
        #expect(data.annotations[0].box == CocoBox(x: 1, y: 2, width: 3, height: 2))
        #expect(data.annotations[0].segmentation == .polygons([[1, 2, 4, 2, 4, 4, 1, 4]]))
        #expect(data.annotations[1].isCrowd && !data.annotations[2].isCrowd)
        #expect(try data.annotations[1].segmentation?.mask(size: data.images[0].size).area == 2)
        #expect(try data.annotations[0].segmentation?.mask(size: data.images[0].size).area == 6)
        #expect(data.annotations[2].keypoints == [1, 2, 2, 0, 0, 0] && data.annotations[2].keypointCount == 1)
    }

    @Test func writesWhatItReads() throws {
        let data = try read(sample)
        var text = ""
        data.write { text += $0 }
        #expect(try read(text) == data)
        let mask = RLEMask(size: ImageSize(height: 3, width: 3), runs: [2, 3, 4])
        let predictions = [
            DetectionResult(
                imageID: 5, categoryID: 2, score: 0.1, box: CocoBox(x: 0.1, y: 1 / 3.0, width: 2, height: 1e-9)),
            DetectionResult(
                imageID: 5, categoryID: 2, score: 1 / 3.0, segmentation: .rle(mask), keypoints: [1, 2.5, 1]),
        ]
        text = ""
        CocoResults.write(predictions) { text += $0 }
        #expect(try results(text) == predictions)
        text = ""
        CocoResults.write([]) { text += $0 }
        #expect(try results(text).isEmpty)
    }

    @Test func everyCutFileIsRefused() throws {
        let bytes = Array(sample.utf8)
        for length in stride(from: 0, to: bytes.count, by: 7) {
            let text = String(decoding: bytes[0..<length], as: UTF8.self)
            let error = refusal { _ = try read(text) }
            #expect(error?.kind == .malformed && error?.file == "gt.json", "cut at \(length)")
        }
    }

    @Test(arguments: [
        (
            "\"image_id\":5,\"category_id\":2,\"bbox\":[1", "\"image_id\":6,\"category_id\":2,\"bbox\":[1",
            "annotations[0] (id 1)"
        ),
        ("\"category_id\":2,\"bbox\":[1", "\"category_id\":9,\"bbox\":[1", "annotations[0] (id 1)"),
        ("\"id\":2.0", "\"id\":1", "annotations[1] (id 1)"), ("\"id\":2.0", "\"id\":\"2\"", "annotations[1]"),
        ("\"id\":2.0,", "", "annotations[1]"),
        ("\"image_id\":5,\"category_id\":2,\"bbox\":[1", "\"bbox\":[1", "annotations[0] (id 1)"),
        ("[1,2,3,2]", "[1,2,3]", "annotations[0] (id 1)"), ("[1,2,3,2]", "[1,2,NaN,2]", "annotations[0], byte 166"),
        ("\"height\":4,", "", "images[0] (id 5)"), ("[0,2,22]", "[0,-2,22]", "annotations[1] (id 2)"),
        ("[1,2,2,0,0,0]", "[1,2,2,0,0]", "annotations[2] (id 3)"),
        ("[[1,2,4,2,4,4,1,4]]", "[[1,\"2\"]]", "annotations[0] (id 1)"),
    ])
    func refusalsNameTheRecord(_ old: String, _ new: String, _ record: String) throws {
        let start = try #require(sample.utf8.firstRange(of: Array(old.utf8)))
        var bytes = Array(sample.utf8)
        let offset = sample.utf8.distance(from: sample.utf8.startIndex, to: start.lowerBound)
        bytes.replaceSubrange(offset..<offset + old.utf8.count, with: Array(new.utf8))
        let error = refusal { _ = try read(String(decoding: bytes, as: UTF8.self)) }
        #expect(error?.kind == .malformed)
        #expect(error?.record == record)
    }

    @Test func looseReadingKeepsDanglingRecords() throws {
        let text = sample.split(separator: "\"image_id\":5").joined(separator: "\"image_id\":77")
        #expect(refusal { _ = try read(text) } != nil)
        #expect(try read(text, checks: []).annotations.count == 3)
    }

    @Test(arguments: [
        #"[{"image_id":1,"category_id":1,"bbox":[1,2,3,4]}]"#, #"[{"image_id":"1","category_id":1,"score":1}]"#,
        #"[{"image_id":1,"category_id":1,"score":Infinity}]"#, #"{"a":[]}"#, "", "[3]",
        #"[{"image_id":1,"category_id":1,"score":"high"}]"#,
        #"[{"image_id":1,"category_id":1,"score":1,"segmentation":{"size":[-1,4],"counts":""}}]"#,
    ])
    func badResultsAreRefused(_ text: String) {
        #expect(refusal { _ = try results(text) }?.kind == .malformed)
    }

    @Test func missingFileIsNamed() {
        let error = refusal { _ = try CocoDataset.load("/nowhere/gt.json") }
        #expect(error?.kind == .missing && error?.file == "/nowhere/gt.json")
        #expect(refusal { _ = try CocoResults.load("/") }?.kind == .missing)
    }
}

extension Collection where Element: Equatable {
    fileprivate func firstRange(of pattern: [Element]) -> Range<Index>? {
        var start = startIndex
        while start != endIndex {
            var (i, j) = (start, 0)
            while j < pattern.count, i != endIndex, self[i] == pattern[j] {
                formIndex(after: &i)
                j += 1
            }
            if j == pattern.count { return start..<i }
            formIndex(after: &start)
        }
        return nil
    }
}
