import Annotations
import DenseMetrics
import Determinism
import Foundation
import JSONText
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
        public var threads: Int?
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
        if let threads = options.threads { Parallel.setThreadCount(threads) }
        var settings = options.isFederated ? .lvis(iouType) : CocoSettings(iouType)
        if let limits = options.maxDetections { settings.maxDetections = limits.sorted() }
        if let ranges = options.areaRanges { settings.areaRanges = ranges }
        if let sigmas = options.sigmas { settings.sigmas = sigmas }
        if let ratio = options.boundaryRatio { settings.boundaryRatio = ratio }
        settings.usesCategories = options.usesCategories
        try check(settings)
        let needed: CocoFields =
            switch iouType {
            case .box: []
            case .mask, .boundary: .segmentation
            case .keypoints: .keypoints
            }
        let truth = try CocoDataset.load(gt, fields: needed, checks: [])
        var results = try CocoResults.load(dt, fields: needed)
        // The first record decides how areas are made; without a box it may need parts that were skipped.
        if !needed.contains(.segmentation), let first = results.parts.first, !first.contains(.box) {
            results = try CocoResults.load(dt, fields: .all)
        }
        do {
            let matches = try CocoEvaluation.match(truth: truth, results: results, settings: settings)
            let curves = CocoEvaluation.accumulate(matches)
            let names = Dictionary(truth.categories.map { ($0.id, $0.name) }, uniquingKeysWith: { $1 })
            let classes = options.perClass && settings.usesCategories ? CocoEvaluation.classPrecision(curves) : []
            return CocoScore(
                summary: CocoEvaluation.summarize(curves),
                perClass: classes.map {
                    .init(id: $0.categoryID, name: names[$0.categoryID] ?? "", precision: $0.value)
                },
                matches: matches,
                errors: options.bootstrapDraws == 0
                    ? []
                    : CocoErrors(matches).estimates(
                        Bootstrap(drawCount: options.bootstrapDraws, seed: options.seed)))
        } catch let error as CocoInputError {
            throw DataError(
                .malformed, file: error.side == .truth ? gt : dt, record: error.record, expected: error.expected,
                found: error.found, remedy: error.remedy)
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

/// The answer of `dmt score coco`.
public struct CocoScore: Sendable {
    public struct ClassScore: Sendable {
        public var id: Int64
        public var name: String
        /// AP; nil where the class has no truth that counts.
        public var precision: Double?
    }

    public let summary: CocoSummary
    /// Empty unless asked for.
    public let perClass: [ClassScore]
    /// Per-image matches: what a bootstrap over images counts again.
    public let matches: CocoMatches
    /// One a number of the summary; empty unless asked for.
    public let errors: [SampledError?]

    /// The JSON document of `dmt score coco --json`.
    public var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("schema_version", .int(1)), ("iou_type", .string(summary.settings.overlap.rawValue)),
            ("stats", .array(summary.stats.map { .double($0) })),
            (
                "metrics",
                .array(
                    summary.metrics.enumerated().map { index, metric in
                        var members: [(String, JSONValue)] = [
                            ("name", .string(metric.name)), ("value", JSONValue(finite: metric.value)),
                        ]
                        if !errors.isEmpty { members += Self.json(errors[index]) }
                        return .object(members)
                    })
            ),
        ]
        if !perClass.isEmpty {
            members.append(
                (
                    "per_class",
                    .array(
                        perClass.map {
                            .object([
                                ("category_id", .int($0.id)), ("name", .string($0.name)),
                                ("AP", JSONValue(finite: $0.precision)),
                            ])
                        })
                ))
        }
        members.append(("warnings", .array(warnings.map { .string($0) })))
        return .object(members)
    }

    private static func json(_ error: SampledError?) -> [(String, JSONValue)] {
        guard let error else { return [("standard_error", .null), ("interval", .null)] }
        return [
            ("standard_error", .double(error.standardError)),
            ("interval", .array([.double(error.interval.lower), .double(error.interval.upper)])),
            ("error_method", .string(error.method)),
        ]
    }

    public var jsonText: String { json.text(pretty: true) }

    /// Known surprises of the input, each with advice.
    public var warnings: [String] { summary.warnings.map(\.description) }

    /// The lines COCO users know, then errors and one line a class where asked for.
    public var lines: [String] {
        summary.lines
            + zip(summary.metrics, errors).map { metric, error in
                guard let error else { return " \(metric.name): no error, too few images have such truths" }
                let digits = { (value: Double) in String(format: "%.4f", value) }
                return " \(metric.name): ± \(digits(error.standardError)), 95 % interval "
                    + "\(digits(error.interval.lower)) to \(digits(error.interval.upper)), \(error.method)"
            }
            + perClass.map { " AP \($0.precision.map { "\($0)" } ?? "undefined") | class \($0.id) \($0.name)" }
    }
}
