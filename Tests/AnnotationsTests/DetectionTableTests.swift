import Geometry
import Testing

@testable import Annotations

@Suite struct DetectionTableTests {
    /// Records that carry every mixture of box, mask and keypoints.
    private let records = (0..<24).map { index in
        let number = Double(index)
        return DetectionResult(
            imageID: Int64(index / 3), categoryID: Int64(index % 5), score: number / 24,
            box: index & 1 == 0 ? nil : CocoBox(x: number, y: 1, width: 2, height: 3),
            segmentation: index & 2 == 0 ? nil : .polygons([[number, 0, 1, 1, 0, 1]]),
            keypoints: index & 4 == 0 ? nil : [Double](repeating: number, count: 3 * (index % 3)))
    }

    @Test func recordsComeBackAsTheyWere() {
        #expect(DetectionTable(records).records == records)
    }

    @Test(arguments: [[0, 24], [3, 9, 12], [1, 2, 1, 20], [8, 8, 8], [4, 4, 4, 4, 4, 4]])
    func joinedTablesEqualOne(sizes: [Int]) {
        var start = 0
        let tables = sizes.map { size in
            defer { start += size }
            return DetectionTable(Array(records[start..<start + size]))
        }
        var joined = DetectionTable()
        for table in tables { joined.append(table, growth: 2) }
        #expect(joined.records == records)
        #expect(joined == DetectionTable(records))
    }
}
