import DenseMetrics
import Reporting

/// Errors of COCO's numbers by a bootstrap over images, from matches that are made once.
struct CocoErrors {
    /// AP's bias falls as the number of images to this power, downwards: `Documentation/Statistics.md`. AR's is small in any case.
    static let biasOrder = 0.5

    private let resampling: CocoResampling

    init(_ matches: CocoMatches) { resampling = CocoResampling(matches) }

    /// One a number of the summary; nil where too few draws define it.
    func estimates(_ bootstrap: Bootstrap) -> [SampledError?] {
        let found = bootstrap.estimates(
            itemCount: resampling.imageIDs.count, biasOrder: Self.biasOrder, metrics: values)
        return found.isEmpty ? resampling.metrics.map { _ in nil } : found
    }

    /// This minus the other, number by number, on the same draws.
    ///
    /// - Precondition: both have the same images and protocol.
    func differences(to other: CocoErrors, _ bootstrap: Bootstrap) -> [(name: String, difference: PairedDifference)] {
        precondition(resampling.imageIDs == other.resampling.imageIDs, "paired differences over different images")
        let found = bootstrap.differences(itemCount: resampling.imageIDs.count, values, of: other.values)
        return zip(resampling.metrics, found).compactMap { metric, difference in
            difference.map { (metric.name, $0) }
        }
    }

    @Sendable private func values(_ weights: [UInt64]) -> [Double?] {
        resampling.values(weights: weights.map(UInt32.init))
    }
}
