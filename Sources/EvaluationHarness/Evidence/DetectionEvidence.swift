import DenseMetrics
import Reporting
import SafeFiles

/// Which detections matched, of boxes and of masks.
struct DetectionEvidence: ImageEvidence {
    static let kind = EvidenceKind.detection
    /// Detections below it are left out of the counts of `per_image.csv`.
    static let countedScore = 0.5

    /// In the order of `CocoOverlap.detections`, all over the same images and classes.
    var matches: [CocoMatches]

    private var overlaps: [(overlap: CocoOverlap, matches: CocoMatches)] {
        zip(CocoOverlap.detections, matches).map { ($0, $1) }
    }

    func metrics(bootstrap: Bootstrap?) -> [MetricValue] {
        overlaps.flatMap { overlap, matches in
            let errors = bootstrap.map { CocoErrors(matches).estimates($0) }
            let summary = CocoEvaluation.summarize(CocoEvaluation.accumulate(matches))
            return summary.metrics.enumerated().map { index, metric in
                var value = MetricValue(
                    name: "\(metric.name)_\(overlap.suffix)", value: metric.value, unit: .fraction,
                    direction: .higherIsBetter, sampleCount: matches.imageIDs.count,
                    undefinedReason: "no object of this kind in the truth")
                value.attach(errors?[index])
                return value
            }
        }
    }

    func sampler() -> EvidenceSampler {
        let parts = overlaps.map { (suffix: $0.overlap.suffix, counts: CocoResampling($0.matches)) }
        return EvidenceSampler(
            metrics: parts.flatMap { part in part.counts.metrics.map { "\($0.name)_\(part.suffix)" } },
            classColumns: parts.map { "AP_\($0.suffix)" }, classCount: matches[0].classCount
        ) { weights in
            let weights = weights.map(UInt32.init)
            let found = parts.map { $0.counts.valuesWithClasses(weights: weights) }
            return found.flatMap(\.metrics) + found.flatMap(\.classes)
        }
    }

    func classSupport() -> [Int] {
        let boxes = matches[0]
        return boxes.classTruthCells.map { cells in cells.count { boxes.truthCounts[$0] > 0 } }
    }

    func imageTable() -> EvidenceImageTable {
        var columns: [EvidenceImageTable.Column] = []
        var rows = matches[0].imageIDs.map { _ in [Double?]() }
        for (overlap, matches) in overlaps {
            let suffix = overlap.suffix
            columns.append(.init(name: "AP_\(suffix)"))
            columns += ["tp", "fp", "fn"].map { .init(name: "\($0)_\(suffix)", isCount: true) }
            let scores = CocoEvaluation.imageScores(matches, minimumScore: Self.countedScore)
            for (image, score) in scores.enumerated() {
                rows[image].append(score.averagePrecision)
                rows[image] += [score.truePositives, score.falsePositives, score.falseNegatives].map { Double($0) }
            }
        }
        return EvidenceImageTable(columns: columns, ranked: 0, rows: rows)
    }

    // MARK: File

    func columns() -> [EvidenceColumn] {
        var columns = [
            EvidenceColumn("image_ids", matches[0].imageIDs), EvidenceColumn("category_ids", matches[0].categoryIDs),
        ]
        for (overlap, matches) in overlaps {
            precondition(matches.settings == CocoSettings(overlap), "evidence of another protocol than COCO's")
            let areas = matches.settings.areaRanges.count
            func name(_ column: String) -> String { "\(overlap.suffix).\(column)" }
            columns += [
                EvidenceColumn(name("detections"), matches.classDetections.map { UInt32($0.count) }),
                EvidenceColumn(name("scores"), matches.scores), EvidenceColumn(name("images"), matches.images),
                EvidenceColumn(name("matched"), matches.matched, rows: areas),
                EvidenceColumn(name("ignored"), matches.ignored, rows: areas),
                EvidenceColumn(name("truth_cells"), matches.classTruthCells.map { UInt32($0.count) }),
                EvidenceColumn(name("truth_images"), matches.truthImages),
                EvidenceColumn(name("truth_counts"), matches.truthCounts, rows: areas),
            ]
        }
        return columns
    }

    /// - Precondition: one set of matches an overlap of `CocoOverlap.detections`, over the same images and classes.
    init(_ matches: [CocoMatches]) {
        precondition(
            matches.count == CocoOverlap.detections.count
                && matches.allSatisfy {
                    $0.imageIDs == matches[0].imageIDs && $0.categoryIDs == matches[0].categoryIDs
                }, "evidence of boxes and masks over different images or classes")
        self.matches = matches
    }

    init(_ file: EvidenceFile, _ shape: EvidenceShape) throws(DataError) {
        let imageIDs = try file.values("image_ids", of: Int64.self, count: shape.images.count)
        let categoryIDs = try file.values("category_ids", of: Int64.self, count: shape.classes.count)
        matches = []
        for overlap in CocoOverlap.detections {
            let settings = CocoSettings(overlap)
            let areas = settings.areaRanges.count
            func name(_ column: String) -> String { "\(overlap.suffix).\(column)" }
            let scores = try file.values(name("scores"), of: Double.self)
            let truthImages = try file.values(name("truth_images"), of: Int32.self)
            do {
                matches.append(
                    try CocoMatches(
                        settings: settings, imageIDs: imageIDs, categoryIDs: categoryIDs,
                        detectionCounts: try file.values(
                            name("detections"), of: UInt32.self, count: categoryIDs.count
                        ).map { Int($0) }, scores: scores,
                        images: try file.values(name("images"), of: Int32.self, count: scores.count),
                        matched: try file.values(name("matched"), of: UInt16.self, rows: areas, count: scores.count),
                        ignored: try file.values(name("ignored"), of: UInt16.self, rows: areas, count: scores.count),
                        truthCellCounts: try file.values(
                            name("truth_cells"), of: UInt32.self, count: categoryIDs.count
                        ).map { Int($0) }, truthImages: truthImages,
                        truthCounts: try file.values(
                            name("truth_counts"), of: Int32.self, rows: areas, count: truthImages.count)))
            } catch let fault as CocoColumnFault {
                throw file.refused(
                    fault.column.contains("_ids") ? fault.column : name(fault.column), fault.expected, "other values")
            } catch let error as DataError {
                throw error
            } catch {
                throw file.refused(overlap.suffix, "matches", "\(error)")
            }
        }
    }
}
