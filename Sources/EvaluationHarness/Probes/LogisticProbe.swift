import DenseHeads
import Foundation
import TensorCore

/// Logistic regression of each patch's commonest class on standardised tokens; every pixel of a patch has its class.
///
/// - Source: `LogregClassifier` of facebookresearch/capi's `eval_segmentation.py`.
struct LogisticProbe: SegmentationProbe {
    var inverseRegularization: Double
    var maxIterations = 1000

    /// CAPI's eight values: 10^−6 to 10^5 at equal distances of the exponent.
    static let grid: [Double] = (0..<8).map { pow(10, -6 + 11 * Double($0) / 7) }

    var words: String {
        "logistic regression on standardised patch tokens, L-BFGS, at most \(maxIterations) iterations, \(choice)"
    }
    var choice: String { "C \(inverseRegularization)" }

    func fit(_ set: ProbeSet, shouldStop: () -> Bool) throws -> any FittedSegmentationProbe {
        let (rows, pixels) = try set.labelledRows()
        let scaling = ChannelScaling(rows)
        if shouldStop() { throw TrainingInterrupted(completedSteps: 0) }
        var regression = LogisticRegression(inverseRegularization: inverseRegularization)
        regression.maxIterations = maxIterations
        let fit = regression.fit(scaling(rows), labels: pixels.majorities(), classCount: set.classCount)
        return Fitted(scaling: scaling, fit: fit)
    }

    private struct Fitted: PatchLabellingProbe {
        let scaling: ChannelScaling
        let fit: LogisticRegression.Fit

        func pixels(_ tokens: Tensor, pixelsPerPatch: Int) -> [UInt16] {
            fit.predictions(scaling(tokens)).flatMap { [UInt16](repeating: UInt16($0), count: pixelsPerPatch) }
        }
    }
}
