import Foundation
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct CocoFileCheckTests {
    private func check(
        annotations: String, results: String? = nil, images: String = #"{"id":1,"height":10,"width":10}"#
    ) throws -> [String] {
        try withTemporaryFolder { folder in
            try write(
                #"{"images":[\#(images)],"categories":[{"id":1,"name":"a"}],"annotations":[\#(annotations)]}"#,
                to: folder + "/gt.json")
            var check = try CocoFileCheck(truth: folder + "/gt.json")
            if let results {
                try write("[\(results)]", to: folder + "/dt.json")
                try check.checkResults(folder + "/dt.json")
            }
            return check.findings.map { "\($0.record ?? "file"): \($0.problem)" }
        }
    }

    private let good = #"{"id":5,"image_id":1,"category_id":1,"bbox":[1,1,4,4],"area":16,"iscrowd":0}"#
    private func changed(_ from: String, _ to: String) -> String { good.replacingOccurrences(of: from, with: to) }

    @Test func aGoodFileHasNoFindings() throws {
        #expect(
            try check(annotations: good, results: #"{"image_id":1,"category_id":1,"bbox":[1,1,4,4],"score":1}"#).isEmpty
        )
    }

    /// Each record of the truth that pycocotools refuses or that surprises its users.
    @Test func everyBadAnnotationIsListed() throws {
        let cases: [(String, String)] = [
            (changed(#""id":5"#, #""id":0"#), "id 0"), (good + "," + good, "second record"),
            (changed(#""image_id":1"#, #""image_id":7"#), "image is not listed"),
            (changed(#""category_id":1"#, #""category_id":7"#), "category 7"),
            (changed(#","iscrowd":0"#, ""), "no \"iscrowd\""),
            (changed(#","area":16"#, ""), "no \"area\""), (changed(#","bbox":[1,1,4,4]"#, ""), "no \"bbox\""),
            (changed("[1,1,4,4]", "[1,1,0,4]"), "nothing can match"), (changed("[1,1,4,4]", "[1,1,4]"), "four numbers"),
            (changed(#""id":5,"#, ""), "field \"id\""), (changed(#""id":5"#, #""id":"5""#), "an integer \"id\""),
            (changed(#""iscrowd":0"#, #""iscrowd":0,"segmentation":[]"#), "at least one polygon"),
            (changed(#""iscrowd":0"#, #""iscrowd":0,"segmentation":[[1,1,2,2]]"#), "three points"),
            (
                changed(#""iscrowd":0"#, #""iscrowd":0,"segmentation":{"size":[9,10],"counts":[0,90]}"#),
                "a mask of 9x10 in an image of 10x10"
            ),
            (
                changed(#""iscrowd":0"#, #""iscrowd":0,"segmentation":{"size":[10,10],"counts":[0,101]}"#),
                "do not sum to"
            ),
            (changed(#""iscrowd":0"#, #""iscrowd":0,"keypoints":[1,1,2]"#), "no \"num_keypoints\""),
            (changed(#""iscrowd":0"#, #""iscrowd":0,"keypoints":[1,1,2],"num_keypoints":0"#), "where 1 are visible"),
        ]
        for (annotation, words) in cases {
            let findings = try check(annotations: annotation)
            #expect(findings.count == 1 && findings[0].contains(words), "\(annotation): \(findings)")
        }
    }

    @Test func severalFaultsAreAllListed() throws {
        let findings = try check(
            annotations: [changed("16", "\"16\""), good, changed(#""id":5"#, #""id":0"#)].joined(separator: ","))
        #expect(
            findings.count == 2 && findings[0].contains("annotations[0] (id 5)") && findings[1].contains("annotation 0")
        )
    }

    @Test func everyBadResultIsListed() throws {
        let good = #"{"image_id":1,"category_id":1,"bbox":[1,1,4,4],"score":0.5}"#
        func changed(_ from: String, _ to: String) -> String { good.replacingOccurrences(of: from, with: to) }
        let cases: [(String, String)] = [
            (changed(#""image_id":1"#, #""image_id":9"#), "an image that the truth does not list"),
            (changed(#""category_id":1"#, #""category_id":9"#), "category 9"),
            (changed(#","score":0.5"#, ""), "field \"score\""), (changed(#""bbox":[1,1,4,4],"#, ""), "no \"bbox\""),
            (changed("4,4]", "-4,4]"), "a box of -4.0 x 4.0"),
        ]
        for (result, words) in cases {
            let findings = try check(annotations: self.good, results: good + "," + result)
            #expect(findings.count == 1 && findings[0].contains("[1]") && findings[0].contains(words), "\(findings)")
        }
        let mask = #"{"image_id":1,"category_id":1,"score":0.5,"segmentation":MASK}"#
        for (text, words) in [
            (#"{"size":[10,10],"counts":"0U3"}"#, "may never end"),
            (#"{"size":[3,3],"counts":"09"}"#, "matches nothing"),
            ("[[1,1,5,1,5,5]]", "strings only"), (#"{"size":[10,10],"counts":[0,100]}"#, "strings only"),
        ] {
            let findings = try check(annotations: self.good, results: mask.replacingOccurrences(of: "MASK", with: text))
            #expect(findings.count == 1 && findings[0].contains(words), "\(findings)")
        }
        #expect(try check(annotations: self.good, results: "").first?.contains("an empty list") == true)
    }

    @Test func textThatIsNoJSONIsAnError() throws {
        #expect(throws: DataError.self) { try check(annotations: #"{"id":NaN}"#) }
    }
}
