import Annotations

/// Truths and detections of each image, whatever their class: what error analyses look at.
///
/// Truths stand in file order, detections from high to low score (equals in file order), cut to a limit.
struct CocoImages {
    let imageIDs: [Int64]
    let categoryIDs: [Int64]
    /// Positions in the truth's annotations and in the results, image by image.
    let truths: [Int32]
    let detections: [Int32]
    let images: [(truths: Range<Int>, detections: Range<Int>)]
    /// Position of each truth's and detection's class in `categoryIDs`, in the order of `truths` and `detections`.
    let truthClasses: [Int]
    let detectionClasses: [Int]
    let shapes: CocoShapes
    private let warnings: [CocoWarning]

    /// - Throws: `CocoInputError` for a result of an unknown image and for shapes that cannot be compared.
    init(
        truth: CocoDataset, results: DetectionTable, settings: CocoSettings, limit: Int, minimumScore: Double? = nil
    ) throws {
        imageIDs = Set(truth.images.map(\.id)).sorted()
        categoryIDs = Set(truth.categories.map(\.id)).sorted()
        let imageIndex = Dictionary(uniqueKeysWithValues: zip(imageIDs, Int32(0)...))
        let classIndex = Dictionary(uniqueKeysWithValues: zip(categoryIDs, 0...))
        let truthOrder = CocoCells.order(
            truth.annotations.map { classIndex[$0.categoryID] == nil ? -1 : imageIndex[$0.imageID] ?? -1 },
            count: imageIDs.count)
        var keys: [Int32] = []
        var unknown = CocoPlaces()
        for index in 0..<results.count {
            guard let image = imageIndex[results.imageIDs[index]] else {
                throw CocoInputError.unknownImage(results.imageIDs[index], at: index)
            }
            let isKnown = classIndex[results.categoryIDs[index]] != nil
            if !isKnown { unknown.add(result: Int32(index)) }
            keys.append(isKnown && results.scores[index] >= minimumScore ?? -.infinity ? image : -1)
        }
        let resultOrder = CocoCells.order(keys, count: imageIDs.count)
        var truthAt = 0
        var resultAt = 0
        var kept: [Int32] = []
        var ranges: [(truths: Range<Int>, detections: Range<Int>)] = []
        for image in Int32(0)..<Int32(imageIDs.count) {
            let firstTruth = truthAt
            while truthAt < truthOrder.count,
                imageIndex[truth.annotations[Int(truthOrder[truthAt])].imageID] == image
            { truthAt += 1 }
            let firstResult = resultAt
            while resultAt < resultOrder.count, keys[Int(resultOrder[resultAt])] == image { resultAt += 1 }
            let order = ScoreOrder.descending(
                resultOrder[firstResult..<resultAt].lazy.map { results.scores[Int($0)] })
            let firstKept = kept.count
            kept += order.prefix(limit).map { resultOrder[firstResult + $0] }
            ranges.append((firstTruth..<truthAt, firstKept..<kept.count))
        }
        truths = truthOrder
        detections = kept
        images = ranges
        truthClasses = truthOrder.map { classIndex[truth.annotations[Int($0)].categoryID]! }
        detectionClasses = kept.map { classIndex[results.categoryIDs[Int($0)]]! }
        shapes = try CocoShapes(
            truth: truth, truths: truthOrder, results: results, detections: kept, settings: settings)
        warnings = shapes.warnings + [CocoWarning.unknownClass(unknown, truth, results)].compactMap(\.self)
    }

    /// All that is to be said once `overlaps` has compared every image.
    func warnings(_ overlaps: CocoOverlaps) -> [CocoWarning] {
        warnings
            + CocoWarning.masks(
                unfilled: overlaps.unfilled, mismatches: overlaps.mismatches, shapes.truth, shapes.results)
    }
}

extension CocoInputError {
    static func unknownImage(_ id: Int64, at index: Int) -> CocoInputError {
        CocoInputError(
            .results, record: "[\(index)]", expected: "an \"image_id\" of the truth's images", found: "\(id)",
            remedy: "score these results against the truth they were made for")
    }
}

extension CocoWarning {
    static func unknownClass(_ places: CocoPlaces, _ truth: CocoDataset, _ results: DetectionTable) -> CocoWarning? {
        CocoWarning(
            "unknown-class", places, truth, results,
            "result(s) name a category that the truth does not list and are left out")
    }
}
