import Annotations
import Geometry

/// What the records of a cell order are compared by. Boxes, areas and masks of results are made when a cell is compared
/// (`CocoOverlaps`), so that no copy of them all is ever held.
struct CocoShapes {
    let truth: CocoDataset
    let results: DetectionTable
    let settings: CocoSettings
    /// Positions in the truth's annotations and in the results.
    let truths: [Int32]
    let detections: [Int32]
    /// What stands for the results' areas; nil where there are no results.
    let kind: Kind?
    /// Quirk(COCO): of two images with one id the later stands for both. Filled for masks only.
    let sizes: [Int64: ImageSize]

    private(set) var truthArea: [Double] = []
    private(set) var truthIgnored: [UInt8] = []
    private(set) var truthCrowd: [UInt8] = []
    private(set) var truthIDZero: [UInt8] = []
    /// x, y, width, height of each truth; empty for masks.
    private(set) var truthBoxes: [Double] = []
    private(set) var truthPoints: [Double] = []
    private(set) var warnings: [CocoWarning] = []

    /// What the first record of a results file makes of all of them.
    enum Kind {
        case box, mask, keypoints

        var part: DetectionTable.Parts {
            switch self {
            case .box: .box
            case .mask: .segmentation
            case .keypoints: .keypoints
            }
        }

        var words: String {
            switch self {
            case .box: "a \"bbox\""
            case .mask: "a \"segmentation\""
            case .keypoints: "\"keypoints\""
            }
        }
    }

    /// - Throws: `CocoInputError` for a record that lacks what is compared.
    init(
        truth: CocoDataset, truths: [Int32], results: DetectionTable, detections: [Int32], settings: CocoSettings
    ) throws(CocoInputError) {
        self.truth = truth
        self.results = results
        self.settings = settings
        self.truths = truths
        self.detections = detections
        kind = try CocoShapes.kind(results)
        sizes =
            settings.overlap.comparesMasks || kind == .mask
            ? Dictionary(truth.images.map { ($0.id, $0.size) }, uniquingKeysWith: { $1 }) : [:]
        try readTruths()
        if let kind { try checkResults(kind) }
    }

    /// Quirk(COCO): the first record decides how areas and boxes of all are made.
    private static func kind(_ results: DetectionTable) throws(CocoInputError) -> Kind? {
        guard let first = results.parts.first else { return nil }
        if first.contains(.box) { return .box }
        if first.contains(.segmentation) { return .mask }
        if first.contains(.keypoints) { return .keypoints }
        throw refusal(0, "a \"bbox\", a \"segmentation\" or \"keypoints\"")
    }

    /// An error about a record of the results.
    static func refusal(_ index: Int, _ expected: String, _ found: String = "none") -> CocoInputError {
        CocoInputError(
            .results, record: "[\(index)]", expected: expected, found: found, remedy: "correct this record")
    }

    /// An error about an annotation.
    func refusal(
        annotation position: Int32, part: String = "", _ expected: String, _ found: String = "none"
    ) -> CocoInputError {
        CocoInputError(
            .truth, record: "annotations[\(position)] (id \(truth.annotations[Int(position)].id))\(part)",
            expected: expected, found: found, remedy: "correct this annotation")
    }

    private mutating func readTruths() throws(CocoInputError) {
        var counted = CocoPlaces()
        var idZero = CocoPlaces()
        var noFlag = CocoPlaces()
        truthArea.reserveCapacity(truths.count)
        for position in truths {
            let annotation = truth.annotations[Int(position)]
            guard let area = annotation.area else { throw refusal(annotation: position, "an \"area\"") }
            truthArea.append(area)
            // LVIS knows no crowds, and its "ignore" counts; COCO overwrites that field by "iscrowd".
            let isCrowd = settings.isFederated ? false : annotation.isCrowd
            truthCrowd.append(isCrowd ? 1 : 0)
            truthIDZero.append(annotation.id == 0 ? 1 : 0)
            if annotation.lacksCrowdFlag && !settings.isFederated { noFlag.add(annotation: position) }
            if annotation.id == 0 { idZero.add(annotation: position) }
            var ignored = settings.isFederated ? annotation.isIgnored : isCrowd
            if !settings.overlap.comparesMasks {
                guard let box = annotation.box else { throw refusal(annotation: position, "a \"bbox\"") }
                truthBoxes += [box.x, box.y, box.width, box.height]
            }
            if settings.overlap == .keypoints {
                guard let points = annotation.keypoints else { throw refusal(annotation: position, "\"keypoints\"") }
                guard points.count == 3 * settings.sigmas.count else {
                    throw refusal(
                        annotation: position, "\(settings.sigmas.count) keypoints, one a sigma", "\(points.count / 3)")
                }
                let visible =
                    annotation.keypointCount ?? stride(from: 2, to: points.count, by: 3).count { points[$0] > 0 }
                if annotation.keypointCount == nil { counted.add(annotation: position) }
                ignored = ignored || visible == 0
                truthPoints += points
            }
            truthIgnored.append(ignored ? 1 : 0)
        }
        warnings += [
            CocoWarning(
                "num-keypoints-missing", counted, truth, results,
                "annotation(s) have no \"num_keypoints\"; points with visibility above 0 were counted"),
            CocoWarning(
                "iscrowd-missing", noFlag, truth, results,
                "annotation(s) have no \"iscrowd\", where COCO's tool stops; 0 was taken"),
            CocoWarning(
                "truth-id-0", idZero, truth, results,
                "annotation(s) have id 0; COCO's tool counts detections that match them as false positives, and so do "
                    + "these numbers; number annotations from 1"),
        ].compactMap(\.self)
        if results.isEmpty {
            warnings.append(CocoWarning("no-results", "the results file is empty: every truth counts as missed"))
        }
    }

    private mutating func checkResults(_ kind: Kind) throws(CocoInputError) {
        if let index = results.parts.firstIndex(where: { !$0.contains(kind.part) }) {
            throw CocoShapes.refusal(index, "\(kind.words), as in the first record")
        }
        if kind == .box && settings.overlap.comparesMasks {
            warnings.append(
                CocoWarning(
                    "area-from-box",
                    "the results carry \"bbox\" (results[0], image \(results.imageIDs[0]), decides), so COCO's tool "
                        + "takes their areas from boxes, which moves APs, APm and APl; remove \"bbox\" to use mask "
                        + "areas"))
        }
        if settings.overlap.comparesMasks {
            var unpacked = CocoPlaces()
            for position in detections where results.parts[Int(position)].contains(.unpacked) {
                unpacked.add(result: position)
            }
            let advice = "result mask(s) are polygons or lists of run lengths, where COCO's tool stops; they were drawn"
            if let warning = CocoWarning("mask-is-no-string", unpacked, truth, results, advice) {
                warnings.append(warning)
            }
        }
        guard settings.overlap == .keypoints else { return }
        for position in detections {
            guard let range = results.keypointRange(Int(position)) else {
                throw CocoShapes.refusal(Int(position), "\"keypoints\"")
            }
            guard range.count == 3 * settings.sigmas.count else {
                throw CocoShapes.refusal(
                    Int(position), "\(settings.sigmas.count) keypoints, one a sigma", "\(range.count / 3)")
            }
        }
    }
}
