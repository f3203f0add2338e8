import DenseMetrics
import Foundation
import ImageFiles
import JSONText
import SafeFiles
import Testing

@testable import EvaluationHarness

/// One prediction under every named mean, beside scikit-learn, torchmetrics and NumPy: `Tests/Fixtures/semseg`.
@Suite struct SemsegConventionTests {
    private let height = 96
    private let width = 128

    /// ADE20K's coding, as `make_conventions.py` builds it.
    private func label(_ m: Int) -> LabelImage {
        var map = LabelImage(height: height, width: width, values: [UInt16](repeating: 0, count: height * width))
        for y in 0..<height {
            for x in 0..<width where (x * x + y * y + 31 * m) % 97 >= 3 {
                let cell = y / (17 + m) * 7 + x / (23 + 2 * m)
                let inCircle = (x - 40) * (x - 40) + (y - 50 + 3 * m) * (y - 50 + 3 * m) < (9 + m) * (9 + m)
                map.values[y * width + x] = UInt16(inCircle ? 150 - m : 1 + (cell * 37 + m * 11) % (9 - 2 * m) * 16)
            }
        }
        return map
    }

    @Test("the patch oracle of four constructed maps under every convention")
    func conventions() throws {
        var counter = SegmentationCounter(coding: .ade20k)
        var evaluation = SegmentationEvaluation(classCount: 150)
        for m in 0..<4 {
            let map = label(m)
            let oracle = PatchOracle.prediction(map, grid: (height / 16, width / 16), ignore: 0)
            evaluation.add(try counter.counts(prediction: oracle.values, label: map.values), image: "\(m)")
        }
        let file = try #require(SourceCheckout.folder) + "/Tests/Fixtures/semseg/conventions.json"
        let wanted = try JSONValue.parse(FileBytes.read(file, limit: 1 << 16), file: file)
        let named: [SegmentationMetric] = [
            .mIoUOfficial150, .mIoU, .mIoUPairs, .mIoUImages, .frequencyWeightedIoU, .pixelAccuracy,
            .meanAccuracy, .meanDice,
        ]
        for metric in named {
            let value = try #require(wanted[metric.rawValue]?.double)
            // torchmetrics divides in f32.
            let tolerance = [.mIoUPairs, .mIoUImages].contains(metric) ? 1e-6 : 1e-12
            #expect(abs(try #require(evaluation.value(of: metric)) - value) < tolerance, "\(metric.rawValue)")
        }
        #expect(evaluation.value(of: .mIoULabelledClasses) == evaluation.value(of: .mIoU))
    }
}
