import Annotations
import DenseMetrics
import Determinism
import Reporting
import SafeFiles

/// COCO numbers from a truth file and a results file.
public enum CocoScoring {
    public typealias Overlap = CocoOverlap
    public typealias AreaRange = CocoAreaRange

    /// What the command line may ask for; nil keeps COCO's own setting.
    public struct Options: Sendable {
        public var maxDetections: [Int]?
        public var areaRanges: [CocoAreaRange]?
        public var sigmas: [Double]?
        public var boundaryRatio: Double?
        /// LVIS's protocol instead of COCO's.
        public var isFederated = false
        public var usesCategories = true
        public var perClass = false
        /// Which kinds of error cost how much AP; for boxes and masks.
        public var tide = false
        public var confusion = false
        /// Of the confusion matrix.
        public var confusionScore = 0.25
        public var prCurves = false
        /// Folder of the pictures, where truth or results are folders of YOLO text files.
        public var pictures: String?
        /// Names of YOLO's classes, by number.
        public var classNames: [String] = []
        /// A second results file: differences with paired intervals are found on the same draws.
        public var other: String?
        public var input = ScoringInput()
        /// Of a bootstrap over images for standard errors and intervals; 0 for none.
        public var bootstrapDraws = 0
        public var seed: UInt64 = 0

        public init() {}
    }

    /// Reads both files, matches, accumulates and summarizes.
    ///
    /// - Throws: `DataError`: `.missing` for an unreadable file, `.malformed` for content without a COCO answer,
    ///   `.configuration` for options that cannot be met.
    public static func run(
        gt: String, dt: String, iouType: CocoOverlap, options: Options = Options()
    ) throws -> CocoScore {
        options.input.apply()
        var settings = options.isFederated ? .lvis(iouType) : CocoSettings(iouType)
        if let limits = options.maxDetections { settings.maxDetections = limits.sorted() }
        if let ranges = options.areaRanges { settings.areaRanges = ranges }
        if let sigmas = options.sigmas { settings.sigmas = sigmas }
        if let ratio = options.boundaryRatio { settings.boundaryRatio = ratio }
        settings.usesCategories = options.usesCategories
        try check(settings)
        let yolo = try yolo([gt, dt, options.other].compactMap(\.self), options)
        let truth =
            try Folder.exists(gt)
            ? yolo!.truth(gt, names: options.classNames)
            : CocoDataset.load(gt, fields: fields(iouType), checks: [])
        let results = try load(dt, iouType, yolo)
        do {
            let matches = try CocoEvaluation.match(truth: truth, results: results, settings: settings)
            let curves = CocoEvaluation.accumulate(matches)
            let bootstrap =
                options.bootstrapDraws == 0
                ? nil : Bootstrap(drawCount: options.bootstrapDraws, seed: options.seed)
            let errors = bootstrap.map { _ in CocoErrors(matches) }
            let names = Dictionary(truth.categories.map { ($0.id, $0.name) }, uniquingKeysWith: { $1 })
            let hasClasses = settings.usesCategories
            var score = CocoScore(
                summary: CocoEvaluation.summarize(curves), matches: matches, names: names,
                errors: bootstrap.flatMap { errors?.estimates($0) } ?? [])
            if options.perClass && hasClasses { score.perClass = CocoEvaluation.classMetrics(curves) }
            if options.prCurves && hasClasses { score.curves = curves }
            if options.tide { score.tide = try TideAnalysis.run(truth: truth, results: results, overlap: iouType) }
            if options.confusion {
                score.confusion = try CocoConfusion(
                    truth: truth, results: results, settings: settings, minimumScore: options.confusionScore)
            }
            if let other = options.other, let bootstrap, let errors {
                score.comparison = try compare(
                    gt, truth, other, load(other, iouType, yolo), settings, errors, bootstrap)
            }
            return score
        } catch let error as CocoInputError {
            throw DataError(error, truth: gt, results: dt)
        }
    }

    /// One name a line.
    public static func classNames(_ path: String) throws(DataError) -> [String] {
        String(decoding: try FileBytes.read(path, limit: 1 << 24), as: UTF8.self)
            .split(whereSeparator: \.isNewline).map(String.init)
    }

    private static func fields(_ iouType: CocoOverlap) -> CocoFields {
        switch iouType {
        case .box: []
        case .mask, .boundary: .segmentation
        case .keypoints: .keypoints
        }
    }

    /// Folders are YOLO's; they need the pictures' sizes.
    private static func yolo(_ paths: [String], _ options: Options) throws -> YoloImport? {
        guard let folder = paths.first(where: Folder.exists) else { return nil }
        guard let pictures = options.pictures else {
            throw DataError(
                .configuration, file: folder, expected: "a folder of pictures for YOLO text files", found: "none",
                remedy: "add --images FOLDER")
        }
        return try YoloImport(pictures: pictures, allowsLinks: options.input.allowsLinks)
    }

    private static func load(
        _ path: String, _ iouType: CocoOverlap, _ yolo: YoloImport?
    ) throws -> DetectionTable {
        if let yolo, Folder.exists(path) { return try yolo.results(path) }
        let results = try CocoResults.load(path, fields: fields(iouType))
        // The first record decides how areas are made: by box, mask or keypoints, whichever it has first.
        guard let first = results.parts.first, !first.contains(.box) else { return results }
        let needed: CocoFields = first.contains(.segmentation) ? .segmentation : .keypoints
        if fields(iouType).contains(needed) { return results }
        return try CocoResults.load(path, fields: .all)
    }

    private static func compare(
        _ gt: String, _ truth: CocoDataset, _ other: String, _ results: DetectionTable, _ settings: CocoSettings,
        _ errors: CocoErrors, _ bootstrap: Bootstrap
    ) throws -> CocoScore.Comparison {
        do {
            let matches = try CocoEvaluation.match(truth: truth, results: results, settings: settings)
            return CocoScore.Comparison(
                file: other, summary: CocoEvaluation.summarize(CocoEvaluation.accumulate(matches)),
                differences: errors.differences(to: CocoErrors(matches), bootstrap))
        } catch let error as CocoInputError {
            throw DataError(error, truth: gt, results: other)
        }
    }

    private static func check(_ settings: CocoSettings) throws {
        func refuse(_ expected: String, _ found: String, _ remedy: String) -> DataError {
            DataError(.configuration, file: "options", expected: expected, found: found, remedy: remedy)
        }
        if settings.overlap != .keypoints && !settings.isFederated && settings.maxDetections.count < 3 {
            throw refuse(
                "three detection limits or more", "\(settings.maxDetections)", "give three, such as 1,10,100")
        }
        guard settings.maxDetections.allSatisfy({ $0 >= 1 && $0 <= Int(Int32.max) }), !settings.maxDetections.isEmpty
        else {
            throw refuse("positive detection limits", "\(settings.maxDetections)", "give limits from 1")
        }
        guard !settings.areaRanges.isEmpty, settings.areaRanges.allSatisfy({ $0.low <= $0.high }) else {
            throw refuse("area ranges from low to high", "\(settings.areaRanges)", "give name=low:high")
        }
        guard settings.sigmas.allSatisfy({ $0 > 0 && $0.isFinite }),
            settings.overlap != .keypoints || !settings.sigmas.isEmpty
        else {
            throw refuse("positive sigmas", "\(settings.sigmas)", "give one positive number a keypoint")
        }
    }
}

extension DataError {
    init(_ error: CocoInputError, truth: String, results: String) {
        self.init(
            .malformed, file: error.side == .truth ? truth : results, record: error.record, expected: error.expected,
            found: error.found, remedy: error.remedy)
    }
}
