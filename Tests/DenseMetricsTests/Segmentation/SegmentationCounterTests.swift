import Determinism
import Geometry
import Testing

@testable import DenseMetrics

/// The obvious loop over pixels, as a twin of the C kernels.
private func naive(_ prediction: [Int], _ label: [Int], _ coding: LabelCoding) -> SegmentationCounts {
    var counts = SegmentationCounts(classCount: coding.classCount)
    for (p, l) in zip(prediction, label) where coding.classValues.contains(l) {
        let l = l - coding.classValues.lowerBound
        counts.labelled[l] += 1
        guard coding.classValues.contains(p) else {
            counts.unclassified += 1
            continue
        }
        let p = p - coding.classValues.lowerBound
        counts.predicted[p] += 1
        if p == l { counts.intersection[l] += 1 }
    }
    return counts
}

private func values(_ coding: LabelCoding) -> [Int] {
    Array(coding.classValues) + [coding.ignoreLabel, coding.reducesZeroLabel ? 0 : nil].compactMap { $0 }
}

@Suite struct SegmentationCounterTests {
    @Test(arguments: [
        (1, 255, false), (3, 255, false), (150, 0, true), (19, 255, true), (255, 255, false), (700, 0, true),
        (2000, 65535, false),
    ])
    func equalsThePixelLoop(_ classCount: Int, _ ignoreLabel: Int, _ reduces: Bool) throws {
        let coding = try LabelCoding(classCount: classCount, ignoreLabel: ignoreLabel, reducesZeroLabel: reduces)
        var counter = SegmentationCounter(coding: coding)
        let choices = values(coding)
        for (trial, count) in [0, 1, 2, 3, 64, 1001].enumerated() {
            var stream = RandomStream(seed: 5, purpose: "counts", UInt64(trial), UInt64(classCount))
            let label = (0..<count).map { _ in choices[stream.int(below: choices.count)] }
            let prediction = label.map { stream.chance(0.5) ? $0 : choices[stream.int(below: choices.count)] }
            let expected = naive(prediction, label, coding)
            let wide = try counter.counts(prediction: prediction.map(UInt16.init), label: label.map(UInt16.init))
            #expect(wide == expected)
            if choices.max()! < 256 {
                let narrow = try counter.counts(prediction: prediction.map(UInt8.init), label: label.map(UInt8.init))
                #expect(narrow == expected)
            }
        }
    }

    /// Maps of runs of every length, and of stretches of noise between them.
    @Test(arguments: [(150, 0, true), (300, 65535, false)])
    func piecewiseConstantMapsEqualThePixelLoop(_ classCount: Int, _ ignoreLabel: Int, _ reduces: Bool) throws {
        let coding = try LabelCoding(classCount: classCount, ignoreLabel: ignoreLabel, reducesZeroLabel: reduces)
        let choices = values(coding)
        for trial in 0..<60 as Range<UInt64> {
            var stream = RandomStream(seed: 6, purpose: "runs", trial, UInt64(classCount))
            var maps: [[Int]] = [[], []]
            let count = stream.int(below: 3000)
            for map in 0..<2 {
                while maps[map].count < count {
                    let isNoise = stream.chance(0.2)
                    let length = min(
                        count - maps[map].count, 1 + stream.int(below: [3, 40, 300][stream.int(below: 3)]))
                    let value = choices[stream.int(below: choices.count)]
                    maps[map] += (0..<length).map { _ in isNoise ? choices[stream.int(below: choices.count)] : value }
                }
            }
            var counter = SegmentationCounter(coding: coding, countsConfusion: true)
            let expected = naive(maps[0], maps[1], coding)
            #expect(
                try counter.counts(prediction: maps[0].map(UInt16.init), label: maps[1].map(UInt16.init)) == expected)
            if choices.max()! < 256 {
                #expect(
                    try counter.counts(prediction: maps[0].map(UInt8.init), label: maps[1].map(UInt8.init)) == expected)
            }
            let times: UInt64 = choices.max()! < 256 ? 2 : 1
            var confusion = [UInt64](repeating: 0, count: classCount * classCount)
            let first = coding.classValues.lowerBound
            for (p, l) in zip(maps[0], maps[1]) where coding.classValues.contains(p) && coding.classValues.contains(l) {
                confusion[(l - first) * classCount + p - first] += times
            }
            #expect(counter.confusion == confusion)
        }
    }

    /// Against the boundary of each class's mask, which equals boundary-iou-api's.
    @Test func boundaryCountsAreThoseOfEachClassesMask() throws {
        let coding = try LabelCoding(classCount: 4, ignoreLabel: 9)
        let counter = SegmentationCounter(coding: coding)
        for trial in 0..<40 as Range<UInt64> {
            var stream = RandomStream(seed: 8, purpose: "boundaries", trial)
            // From pictures smaller than a band to ones with a band of two pixels.
            let size = ImageSize(height: 1 + stream.int(below: 90), width: 1 + stream.int(below: 90))
            let maps = (0..<2).map { _ in
                let values = (0..<5).map { _ in UInt16([0, 1, 2, 3, 9][stream.int(below: 5)]) }
                let (rows, columns) = (1 + stream.int(below: 40), 1 + stream.int(below: 40))
                return (0..<size.pixelCount).map { pixel in
                    values[(pixel / size.width / rows + pixel % size.width / columns) % 5]
                }
            }
            let distance = size.boundaryDistance()
            let counts = counter.boundaryCounts(
                prediction: maps[0], label: maps[1], height: size.height, width: size.width, distance: distance)
            for k in 0..<4 {
                let bands = maps.map { map in
                    let pixels = map.map { $0 == k ? 1 : 0 as UInt8 }
                    return RLEMask(BinaryMask(size: size, pixels: pixels)).boundary().bitmap.pixels
                }
                let scored = maps[1].map { $0 != 9 }
                func sum(_ isCounted: (Int) -> Bool) -> UInt64 {
                    UInt64((0..<size.pixelCount).count { scored[$0] && isCounted($0) })
                }
                #expect(counts.predicted[k] == sum { bands[0][$0] != 0 })
                #expect(counts.labelled[k] == sum { bands[1][$0] != 0 })
                #expect(counts.intersection[k] == sum { bands[0][$0] != 0 && bands[1][$0] != 0 })
            }
        }
    }

    @Test func refusesValuesOutsideTheCodingAndRecovers() throws {
        let coding = try LabelCoding(classCount: 3, ignoreLabel: 255)
        var counter = SegmentationCounter(coding: coding)
        let wrongLabel = LabelValueError(map: .label, value: 3, coding: coding)
        let wrongPrediction = LabelValueError(map: .prediction, value: 200, coding: coding)
        #expect(throws: wrongLabel) { try counter.counts(prediction: [0, 1] as [UInt8], label: [1, 3]) }
        #expect(throws: wrongPrediction) { try counter.counts(prediction: [200, 1] as [UInt8], label: [1, 2]) }
        #expect(throws: wrongPrediction) { try counter.counts(prediction: [200, 1] as [UInt16], label: [255, 2]) }
        #expect(throws: LabelValueError(map: .label, value: 300, coding: coding)) {
            try counter.counts(prediction: [0, 1] as [UInt16], label: [1, 300])
        }
        let counts = try counter.counts(prediction: [0, 1] as [UInt8], label: [0, 1])
        #expect(counts.intersection == [1, 1, 0], "a refused image must leave nothing behind")
        #expect(wrongLabel.description.contains("0...2 or 255") && wrongLabel.description.contains("found 3"))
    }

    @Test func ignoreLabelInsideTheClassRangeIsRefused() throws {
        #expect(throws: LabelCodingError.self) { try LabelCoding(classCount: 3, ignoreLabel: 0) }
        #expect(throws: LabelCodingError.self) { try LabelCoding(classCount: 3, ignoreLabel: 2) }
        #expect(throws: LabelCodingError.self) {
            try LabelCoding(classCount: 3, ignoreLabel: 3, reducesZeroLabel: true)
        }
        #expect(throws: LabelCodingError.self) { try LabelCoding(classCount: 0, ignoreLabel: nil) }
        #expect(throws: LabelCodingError.self) { try LabelCoding(classCount: 3, ignoreLabel: -1) }
        #expect(try LabelCoding(classCount: 3, ignoreLabel: 3).classValues == 0..<3)
        #expect(try LabelCoding(classCount: 150, ignoreLabel: 0, reducesZeroLabel: true) == .ade20k)
        #expect(LabelCoding.ade20k.valuesDescription == "values 1...150 or 0")
    }
}
