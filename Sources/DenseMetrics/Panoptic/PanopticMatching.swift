import Annotations

/// What one picture contributes to panoptic quality: matched pairs and what is left over, by position of the class.
public struct PanopticImageCounts: Sendable, Equatable {
    /// Class and IoU of each match, in the order of segment ids.
    public var matches: [Match] = []
    /// Class of each unmatched predicted segment that counts.
    public var falsePositives: [Int] = []
    /// Class of each unmatched true segment.
    public var falseNegatives: [Int] = []
    public var warnings: [CocoWarning] = []

    public init() {}

    public struct Match: Sendable, Equatable {
        public var classIndex: Int
        public var iou: Double
    }
}

/// Matching of one picture's segments, as panopticapi does it.
///
/// A pair matches when its classes agree and its IoU, without the prediction's pixels on void, is above 0.5. Unmatched
/// predictions with more than half of their pixels on void or on a crowd of their class are left out.
///
/// - Source: Kirillov et al. 2019, arXiv:1801.00868, §4.1; panopticapi `evaluation.py`.
public struct PanopticMatcher: Sendable {
    /// In file order; of two with one id the later stands for both.
    public let categories: [PanopticCategory]
    private let classIndices: [Int64: Int]

    public init(categories: [PanopticCategory]) {
        var unique: [PanopticCategory] = []
        var indices: [Int64: Int] = [:]
        for category in categories {
            if let index = indices[category.id] {
                unique[index] = category
            } else {
                indices[category.id] = unique.count
                unique.append(category)
            }
        }
        self.categories = unique
        classIndices = indices
    }

    /// - Throws: `CocoInputError` where map and list of segments disagree in a way that panopticapi refuses.
    public func match(
        truth: PanopticImage, predicted: PanopticImage, pairs: PanopticPairs
    ) throws(CocoInputError) -> PanopticImageCounts {
        let truths = Segments(truth.segments)
        let predictions = Segments(predicted.segments)
        var counts = PanopticImageCounts()
        var truePixels: [Int64: Int] = [:]
        var predictedPixels: [Int64: Int] = [:]
        var voidPixels: [Int64: Int] = [:]
        for pair in pairs.pairs {
            truePixels[pair.truth, default: 0] += pair.pixels
            predictedPixels[pair.predicted, default: 0] += pair.pixels
            if pair.truth == 0 { voidPixels[pair.predicted] = pair.pixels }
        }
        try check(predicted, predictions, predictedPixels)
        try check(truth, truths, truePixels, &counts)

        var matchedTruths: Set<Int64> = []
        var matchedPredictions: Set<Int64> = []
        for pair in pairs.pairs {
            guard let gt = truths[pair.truth], let dt = predictions[pair.predicted], !gt.isCrowd,
                gt.categoryID == dt.categoryID
            else { continue }
            // Quirk(panopticapi): the truth's area is the file's, the prediction's is counted.
            let area = gt.area ?? Double(truePixels[gt.id] ?? 0)
            let union =
                Double(predictedPixels[dt.id] ?? 0) + area - Double(pair.pixels) - Double(voidPixels[dt.id] ?? 0)
            let iou = Double(pair.pixels) / union
            guard iou > 0.5 else { continue }
            counts.matches.append(.init(classIndex: classIndices[gt.categoryID]!, iou: iou))
            matchedTruths.insert(gt.id)
            matchedPredictions.insert(dt.id)
        }
        // Quirk(panopticapi): of several crowds of a class the last one counts.
        var crowds: [Int64: Int64] = [:]
        for gt in truths.all where !matchedTruths.contains(gt.id) {
            if gt.isCrowd {
                crowds[gt.categoryID] = gt.id
            } else {
                counts.falseNegatives.append(classIndices[gt.categoryID]!)
            }
        }
        var crowdPixels: [Int64: Int] = [:]
        for pair in pairs.pairs {
            guard let dt = predictions[pair.predicted], crowds[dt.categoryID] == pair.truth else { continue }
            crowdPixels[dt.id] = pair.pixels
        }
        for dt in predictions.all where !matchedPredictions.contains(dt.id) {
            let excused = Double((voidPixels[dt.id] ?? 0) + (crowdPixels[dt.id] ?? 0))
            if excused / Double(predictedPixels[dt.id] ?? 0) > 0.5 { continue }
            counts.falsePositives.append(classIndices[dt.categoryID]!)
        }
        return counts
    }

    private func check(
        _ image: PanopticImage, _ segments: Segments, _ pixels: [Int64: Int]
    ) throws(CocoInputError) {
        func refuse(_ expected: String, _ found: String, _ remedy: String) -> CocoInputError {
            CocoInputError(
                .results, record: "annotation of image \(image.imageID)", expected: expected, found: found,
                remedy: remedy)
        }
        for id in pixels.keys.sorted() where segments[id] == nil && id != 0 {
            throw refuse(
                "every segment of the PNG in \"segments_info\"", "segment \(id) in the PNG alone",
                "list the segment or paint its pixels 0")
        }
        for segment in segments.all {
            guard pixels[segment.id] != nil else {
                throw refuse(
                    "every listed segment in the PNG", "segment \(segment.id) in the list alone",
                    "remove the segment from \"segments_info\"")
            }
            guard classIndices[segment.categoryID] != nil else {
                throw refuse(
                    "a \"category_id\" of the truth's categories",
                    "\(segment.categoryID) for segment \(segment.id)", "correct the category")
            }
        }
    }

    private func check(
        _ image: PanopticImage, _ segments: Segments, _ pixels: [Int64: Int], _ counts: inout PanopticImageCounts
    ) throws(CocoInputError) {
        for segment in segments.all where classIndices[segment.categoryID] == nil {
            throw CocoInputError(
                .truth, record: "annotation of image \(image.imageID)", expected: "a \"category_id\" of the categories",
                found: "\(segment.categoryID) for segment \(segment.id)", remedy: "correct the category")
        }
        for id in pixels.keys.sorted() where segments[id] == nil && id != 0 {
            counts.warnings.append(
                CocoWarning(
                    "truth-segment-unlisted",
                    "image \(image.imageID): segment \(id) of the PNG is not in \"segments_info\"; nothing can match it"
                ))
        }
        for segment in segments.all {
            let counted = pixels[segment.id] ?? 0
            guard let area = segment.area, area != Double(counted) else { continue }
            counts.warnings.append(
                CocoWarning(
                    "truth-area-differs",
                    "image \(image.imageID): segment \(segment.id) has area \(area) in the list and \(counted) pixels; "
                        + "the list's is used, as panopticapi does"))
        }
    }
}

/// Segments by id, in the order of their first mention; of two with one id the later stands for both.
private struct Segments {
    private(set) var all: [PanopticSegment] = []
    private var places: [Int64: Int] = [:]

    init(_ segments: [PanopticSegment]) {
        for segment in segments {
            if let place = places[segment.id] {
                all[place] = segment
            } else {
                places[segment.id] = all.count
                all.append(segment)
            }
        }
    }

    subscript(id: Int64) -> PanopticSegment? { places[id].map { all[$0] } }
}
