import CMetricKernels

/// Pixel counts of one image, or of many: all that any IoU needs, as exact integers.
///
/// Over the pixels whose label is scored, per class `k`:
///
///     L_k = #{label = k}   P_k = #{prediction = k}   I_k = #{both}   U_k = L_k + P_k − I_k
///
/// A scored pixel whose prediction names no class adds to `L` alone: it costs recall, as in the official ADE20K score.
public struct SegmentationCounts: Sendable, Equatable {
    /// `I`, length `K`.
    public var intersection: [UInt64]
    /// `P`, length `K`.
    public var predicted: [UInt64]
    /// `L`, length `K`.
    public var labelled: [UInt64]
    /// Scored pixels whose prediction names no class.
    public var unclassified: UInt64

    /// No pixels.
    public init(classCount: Int) {
        intersection = Array(repeating: 0, count: classCount)
        predicted = intersection
        labelled = intersection
        unclassified = 0
    }

    public var classCount: Int { intersection.count }

    /// `U_k`.
    public func union(_ k: Int) -> UInt64 { labelled[k] + predicted[k] - intersection[k] }

    /// Adds the pixels of `other`. Order does not matter.
    public mutating func merge(_ other: SegmentationCounts) {
        precondition(classCount == other.classCount, "merge: \(classCount) classes and \(other.classCount)")
        for k in 0..<classCount {
            intersection[k] += other.intersection[k]
            predicted[k] += other.predicted[k]
            labelled[k] += other.labelled[k]
        }
        unclassified += other.unclassified
    }
}

/// Counts label maps of one coding; owns the tables that counting needs.
///
/// One counter per thread. 8-bit maps are counted in one pass through a table of value pairs.
public struct SegmentationCounter {
    public let coding: LabelCoding
    private let map8: [Int32]
    private let map16: [Int32]
    private var scratch: [UInt32]
    /// Pixels of all images counted so far, `(K, K)`: true class by predicted class. Nil unless asked for; without
    /// meaning once an image was refused.
    public private(set) var confusion: [UInt64]?

    /// - Parameter countsConfusion: whether `confusion` is wanted; it needs `K²` words.
    public init(coding: LabelCoding, countsConfusion: Bool = false) {
        self.coding = coding
        confusion = countsConfusion ? Array(repeating: 0, count: coding.classCount * coding.classCount) : nil
        map8 = (0..<256).map { coding.entry(forValue: $0) }
        map16 = (0..<65536).map { coding.entry(forValue: $0) }
        scratch = Array(repeating: 0, count: 2 * 65536)
    }

    /// Counts one image.
    ///
    /// - Parameters:
    ///   - prediction, label: `(H·W)` file values in the same pixel order.
    /// - Throws: `LabelValueError` at a value that is neither a class nor ignored.
    public mutating func counts(prediction: [UInt8], label: [UInt8]) throws(LabelValueError) -> SegmentationCounts {
        precondition(prediction.count == label.count, "counts: \(prediction.count) and \(label.count) pixels")
        var result = SegmentationCounts(classCount: coding.classCount)
        let (map, classes) = (map8, coding.classCount)
        let code = withConfusion { scratch, confusion in
            dmt_semseg_counts_u8(
                prediction, label, label.count, map, map, classes, scratch, &result.intersection,
                &result.predicted, &result.labelled, &result.unclassified, confusion)
        }
        try check(code)
        return result
    }

    /// Counts one image of 16-bit maps.
    ///
    /// - Parameters:
    ///   - prediction, label: `(H·W)` file values in the same pixel order.
    /// - Throws: `LabelValueError` at a value that is neither a class nor ignored.
    public mutating func counts(prediction: [UInt16], label: [UInt16]) throws(LabelValueError) -> SegmentationCounts {
        precondition(prediction.count == label.count, "counts: \(prediction.count) and \(label.count) pixels")
        var result = SegmentationCounts(classCount: coding.classCount)
        let (map, classes) = (map16, coding.classCount)
        let code = withConfusion { scratch, confusion in
            dmt_semseg_counts_u16(
                prediction, label, label.count, map, map, classes, scratch, &result.intersection,
                &result.predicted, &result.labelled, &result.unclassified, confusion)
        }
        try check(code)
        return result
    }

    /// Counts one image along the outlines of its regions: only pixels with another value, or the end of the picture,
    /// within `distance` rows and columns count, in the label map and in the prediction each for itself.
    ///
    /// - Parameters:
    ///   - prediction, label: `(H·W)` file values in the same pixel order, which `counts` has accepted.
    ///   - distance: in pixels; `ImageSize.boundaryDistance` is the usual one.
    /// - Source: Cheng et al. 2021, arXiv:2103.16562: the pixels of a class's mask that its erosion by a square of
    ///   `2 distance + 1` pixels a side takes away.
    public func boundaryCounts(
        prediction: [UInt16], label: [UInt16], height: Int, width: Int, distance: Int
    ) -> SegmentationCounts {
        precondition(
            prediction.count == height * width && label.count == height * width,
            "boundary counts: \(prediction.count) and \(label.count) pixels, \(height) rows of \(width)")
        var result = SegmentationCounts(classCount: coding.classCount)
        guard
            dmt_semseg_boundary_counts(
                prediction, label, height, width, distance, map16, coding.classCount, &result.intersection,
                &result.predicted, &result.labelled) != 0
        else { fatalError("out of memory for the boundaries of \(height) x \(width) pixels") }
        return result
    }

    private mutating func withConfusion(
        _ body: (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt64>?) -> Int32
    ) -> Int32 {
        var matrix = confusion.take()
        defer { confusion = matrix }
        return scratch.withUnsafeMutableBufferPointer { scratch in
            guard matrix != nil else { return body(scratch.baseAddress!, nil) }
            return matrix!.withUnsafeMutableBufferPointer { body(scratch.baseAddress!, $0.baseAddress) }
        }
    }

    private func check(_ code: Int32) throws(LabelValueError) {
        guard code != 0 else { return }
        throw LabelValueError(map: code > 0 ? .label : .prediction, value: Int(abs(code)) - 1, coding: coding)
    }
}

/// A value in a label file that the coding does not allow.
public struct LabelValueError: Error, CustomStringConvertible, Sendable, Equatable {
    public enum Map: String, Sendable { case label, prediction }

    public var map: Map
    public var value: Int
    public var coding: LabelCoding

    public var description: String {
        "\(map.rawValue) map: expected \(coding.valuesDescription), found \(value); "
            + "check the number of classes and the ignore label."
    }
}
