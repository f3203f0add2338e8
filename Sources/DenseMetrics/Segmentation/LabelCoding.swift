/// How the values of a label file become classes `0..<classCount`.
///
/// Label maps and predictions are coded alike. A value is a class, or the ignore label, or must not occur.
///
/// | coding | value of class `k` | not scored |
/// |:--|:--|:--|
/// | plain | `k` | the ignore label |
/// | `reduceZeroLabel` (ADE20K) | `k + 1` | 0 and the ignore label |
public struct LabelCoding: Sendable, Equatable {
    /// Number of classes, `K`.
    public let classCount: Int
    /// The file value whose pixels are not scored.
    public let ignoreLabel: Int?
    /// Whether file value 0 means "no class" and classes start at 1.
    public let reducesZeroLabel: Bool

    /// ADE20K scene parsing: 0 is "other" and is not scored, 1...150 are the classes.
    public static let ade20k = LabelCoding(checkedClassCount: 150, ignoreLabel: 0, reducesZeroLabel: true)

    /// - Parameters:
    ///   - classCount: 1...65534.
    ///   - ignoreLabel: 0...65535, outside the values that stand for classes. Ignoring a class would turn IoU into
    ///     recall for the classes it is confused with.
    ///   - reducesZeroLabel: file value 0 is not scored and class `k` is coded `k + 1`.
    /// - Throws: `LabelCodingError` naming the range that was left.
    public init(classCount: Int, ignoreLabel: Int?, reducesZeroLabel: Bool = false) throws(LabelCodingError) {
        guard (1...65534).contains(classCount) else {
            throw LabelCodingError(
                expected: "1 to 65534 classes", found: "\(classCount)", remedy: "give the number of classes")
        }
        let first = reducesZeroLabel ? 1 : 0
        if let ignoreLabel {
            guard (0...65535).contains(ignoreLabel) else {
                throw LabelCodingError(
                    expected: "an ignore label from 0 to 65535", found: "\(ignoreLabel)",
                    remedy: "use the value that the label files hold where nothing is scored")
            }
            guard !(first..<first + classCount).contains(ignoreLabel) else {
                throw LabelCodingError(
                    expected: "an ignore label outside the class values \(first)...\(first + classCount - 1)",
                    found: "\(ignoreLabel)",
                    remedy: "ignoring a class would hide the pixels wrongly given to it; choose a value such as 255")
            }
        }
        self.init(checkedClassCount: classCount, ignoreLabel: ignoreLabel, reducesZeroLabel: reducesZeroLabel)
    }

    private init(checkedClassCount: Int, ignoreLabel: Int?, reducesZeroLabel: Bool) {
        self.classCount = checkedClassCount
        self.ignoreLabel = ignoreLabel
        self.reducesZeroLabel = reducesZeroLabel
    }

    /// File values that stand for classes.
    public var classValues: Range<Int> {
        let first = reducesZeroLabel ? 1 : 0
        return first..<first + classCount
    }

    /// The class of a file value, −1 where the pixel names no class, −2 where the value must not occur.
    func entry(forValue value: Int) -> Int32 {
        if classValues.contains(value) { return Int32(value - classValues.lowerBound) }
        if value == ignoreLabel || (reducesZeroLabel && value == 0) { return -1 }
        return -2
    }

    /// What a reader of a file expects, for error texts.
    public var valuesDescription: String {
        var text = "values \(classValues.lowerBound)...\(classValues.upperBound - 1)"
        var others = reducesZeroLabel ? [0] : []
        if let ignoreLabel, !others.contains(ignoreLabel) { others.append(ignoreLabel) }
        if !others.isEmpty { text += " or " + others.map(String.init).joined(separator: " or ") }
        return text
    }
}

/// A label coding that would give wrong scores.
public struct LabelCodingError: Error, CustomStringConvertible, Sendable, Equatable {
    public var expected: String
    public var found: String
    public var remedy: String

    public var description: String { "label coding: expected \(expected), found \(found); \(remedy)." }
}
