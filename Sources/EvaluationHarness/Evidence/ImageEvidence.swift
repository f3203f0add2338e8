import DenseMetrics
import Reporting
import SafeFiles

/// What was counted in every scored image: all that a run's metrics, their errors and paired differences need, without truth
/// and predictions.
protocol ImageEvidence: Sendable {
    static var kind: EvidenceKind { get }

    /// The metrics of the run's record, in its order.
    ///
    /// - Parameter bootstrap: over images, for standard errors and intervals.
    func metrics(bootstrap: Bootstrap?) -> [MetricValue]

    /// Made once for many draws.
    func sampler() -> EvidenceSampler

    /// Images that show each class.
    func classSupport() -> [Int]

    /// One row an image, for `per_image.csv` and for the images that differ most.
    func imageTable() -> EvidenceImageTable

    /// As tensors of the evidence file.
    func columns() -> [EvidenceColumn]

    /// - Parameters:
    ///   - shape: what the file says of itself.
    /// - Throws: `DataError` for columns that no run can have written.
    init(_ file: EvidenceFile, _ shape: EvidenceShape) throws(DataError)
}

/// The kinds of evidence.
enum EvidenceKind: String, Sendable, CaseIterable {
    case segmentation, detection, classification
}

/// What all kinds of evidence share.
struct EvidenceShape: Sendable, Equatable {
    var images: [String]
    var classes: [String]
    /// Of `classification`: which metric the hits make.
    var metric: String
}

/// The numbers of a data set in which image `i` occurs `weights[i]` times.
struct EvidenceSampler: Sendable {
    /// Names of the metrics.
    var metrics: [String]
    /// Names of what is known of each class: "IoU", or "AP_box" and "AP_mask".
    var classColumns: [String]
    var classCount: Int
    /// The metrics, then column by column the classes; nil where undefined.
    var values: @Sendable (_ weights: [UInt64]) -> [Double?]
}

/// Every image's own figures.
struct EvidenceImageTable: Sendable {
    struct Column: Sendable {
        var name: String
        var isCount = false
    }

    var columns: [Column]
    /// The column by which images are ranked.
    var ranked: Int
    /// One row an image.
    var rows: [[Double?]]
}
