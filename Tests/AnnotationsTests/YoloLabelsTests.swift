import Geometry
import SafeFiles
import Testing

@testable import Annotations

@Suite struct YoloLabelsTests {
    private let size = ImageSize(height: 100, width: 200)

    private func parse(_ text: String, scores: Bool = false) throws -> [YoloLabels.Object] {
        try YoloLabels.parse(text, file: "a.txt", size: size, hasScores: scores)
    }

    @Test func boxesAreSharesOfThePicture() throws {
        let objects = try parse("2 0.5 0.5 0.25 0.5\n\n0 0.125 0.25 0.25 0.5\r\n")
        #expect(objects.map(\.categoryID) == [2, 0])
        #expect(objects[0].box == CocoBox(x: 75, y: 25, width: 50, height: 50))
        #expect(objects[1].box == CocoBox(x: 0, y: 0, width: 50, height: 50))
        #expect(objects.allSatisfy { $0.score == nil && $0.outline == nil })
    }

    @Test func outlinesHaveBoxes() throws {
        let object = try parse("1 0.1 0.2 0.3 0.2 0.2 0.6")[0]
        #expect(object.outline == [20, 20, 60, 20, 40, 60])
        #expect(object.box == CocoBox(x: 20, y: 20, width: 40, height: 40))
    }

    @Test func predictionsEndInAScore() throws {
        let objects = try parse("1 0.5 0.5 0.5 0.5 0.75\n3 0.1 0.2 0.3 0.2 0.2 0.6 0.9", scores: true)
        #expect(objects.map(\.score) == [0.75, 0.9])
        #expect(objects[1].outline?.count == 6 && objects[0].outline == nil)
    }

    @Test(arguments: [
        ("1 0.5 0.5 0.5", false), ("1 0.5 0.5 0.5 0.5 0.9", false), ("1 0.5 0.5 0.5 0.5", true),
        ("-1 0.5 0.5 0.5 0.5", false), ("1.5 0.5 0.5 0.5 0.5", false), ("a 0.5 0.5 0.5 0.5", false),
        ("1 nan 0.5 0.5 0.5", false), ("1 0.1 0.2 0.3 0.2 0.2 0.6", true),
    ])
    func otherLinesAreRefused(text: String, scores: Bool) {
        let error = #expect(throws: DataError.self) {
            try parse("0 0.5 0.5 0.5 0.5" + (scores ? " 1" : "") + "\n" + text, scores: scores)
        }
        #expect(error?.record == "line 2")
    }
}
