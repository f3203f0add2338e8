extension CocoMatches {
    /// Matches put together again from stored columns, each as the property of its name has it.
    ///
    /// - Parameters:
    ///   - settings: with categories, not federated.
    ///   - detectionCounts: detections of each class; they stand class by class, image by image, from high to low score.
    ///   - truthCellCounts: images with truths of each class.
    /// - Throws: `CocoColumnFault` naming the first column that no matching can have made.
    public init(
        settings: CocoSettings, imageIDs: [Int64], categoryIDs: [Int64], detectionCounts: [Int], scores: [Double],
        images: [Int32], matched: [UInt16], ignored: [UInt16], truthCellCounts: [Int], truthImages: [Int32],
        truthCounts: [Int32]
    ) throws(CocoColumnFault) {
        precondition(settings.usesCategories && !settings.isFederated, "stored matches: classes apart, COCO's rules")
        let areas = settings.areaRanges.count
        func need(_ condition: Bool, _ column: String, _ expected: String) throws(CocoColumnFault) {
            if !condition { throw CocoColumnFault(column: column, expected: expected) }
        }
        try need(Self.ascends(imageIDs), "image_ids", "ascending ids")
        try need(Self.ascends(categoryIDs), "category_ids", "ascending ids")
        let classDetections = try Self.ranges(detectionCounts, categoryIDs.count, scores.count, "detections")
        let classTruthCells = try Self.ranges(truthCellCounts, categoryIDs.count, truthImages.count, "truth_cells")
        try need(images.count == scores.count, "images", "one image a detection")
        try need(matched.count == areas * scores.count, "matched", "one word a detection and area range")
        try need(ignored.count == matched.count, "ignored", "one word a detection and area range")
        try need(truthCounts.count == areas * truthImages.count, "truth_counts", "one count an image and area range")
        try need(scores.allSatisfy(\.isFinite), "scores", "finite scores")
        let places = 0..<Int32(clamping: imageIDs.count)
        try need(images.allSatisfy(places.contains), "images", "places in the list of images")
        try need(truthImages.allSatisfy(places.contains), "truth_images", "places in the list of images")
        try need(truthCounts.allSatisfy { $0 >= 0 }, "truth_counts", "counts from 0")
        for range in classDetections {
            for d in range.dropFirst() {
                let isOrdered = images[d - 1] < images[d] || images[d - 1] == images[d] && scores[d - 1] >= scores[d]
                try need(isOrdered, "scores", "detections image by image, from high to low score")
            }
        }
        for range in classTruthCells {
            try need(Self.ascends(truthImages[range]), "truth_images", "each image of a class once, in order")
        }
        self.init(
            settings: settings, imageIDs: imageIDs, categoryIDs: categoryIDs, classCount: categoryIDs.count,
            frequencies: [], warnings: [], scores: scores, images: images, matched: matched, ignored: ignored,
            classDetections: classDetections, truthImages: truthImages, truthCounts: truthCounts,
            classTruthCells: classTruthCells)
    }

    private static func ascends(_ values: some Collection<some Comparable>) -> Bool {
        zip(values, values.dropFirst()).allSatisfy { $0 < $1 }
    }

    private static func ranges(
        _ counts: [Int], _ classes: Int, _ total: Int, _ column: String
    ) throws(CocoColumnFault) -> [Range<Int>] {
        guard counts.count == classes, counts.allSatisfy({ (0...total).contains($0) }), counts.reduce(0, +) == total
        else { throw CocoColumnFault(column: column, expected: "one count a class, \(total) together") }
        var start = 0
        return counts.map { count in
            defer { start += count }
            return start..<start + count
        }
    }
}

/// A stored column that no matching can have made.
public struct CocoColumnFault: Error, CustomStringConvertible, Sendable, Equatable {
    public var column: String
    public var expected: String

    public var description: String { "\(column): expected \(expected)." }
}
