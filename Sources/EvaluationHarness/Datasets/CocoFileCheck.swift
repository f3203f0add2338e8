import Annotations
import DenseData
import Geometry
import SafeFiles

/// Every record of a COCO truth or results file that cannot be scored, or that scores in a way users do not expect.
///
/// What is no defect of the file alone (a class with no truth, more than 100 results an image) is not listed.
public struct CocoFileCheck {
    public private(set) var findings: [Finding] = []
    public private(set) var recordCount = 0
    private let truthFile: String
    private let truth: CocoDataset
    private let sizes: [Int64: ImageSize]
    private let categoryIDs: Set<Int64>

    /// Reads and checks the truth.
    ///
    /// - Throws: `DataError` where the file as a whole is no COCO truth.
    public init(truth path: String) throws {
        truthFile = path
        let (truth, faults) = try CocoDataset.loadLenient(path)
        self.truth = truth
        sizes = Dictionary(truth.images.map { ($0.id, $0.size) }, uniquingKeysWith: { $1 })
        categoryIDs = Set(truth.categories.map(\.id))
        recordCount = truth.images.count + truth.categories.count + truth.annotations.count + faults.count
        findings += faults.map(Finding.init)
        checkUnique(truth.images.map(\.id), "image")
        checkUnique(truth.categories.map(\.id), "category")
        checkUnique(truth.annotations.map(\.id), "annotation")
        for image in truth.images where image.size.pixelCount == 0 {
            add(path, "image \(image.id)", "no height and width: masks of this image cannot be drawn")
        }
        let points = Dictionary(
            truth.categories.map { ($0.id, $0.keypointNames.count) }, uniquingKeysWith: { $1 })
        for annotation in truth.annotations { check(annotation, keypoints: points[annotation.categoryID] ?? 0) }
    }

    private mutating func add(_ file: String, _ record: String?, _ problem: String) {
        findings.append(Finding(file: file, record: record, problem: problem))
    }

    private mutating func checkUnique(_ ids: [Int64], _ kind: String) {
        var seen: Set<Int64> = []
        for id in ids where !seen.insert(id).inserted {
            add(truthFile, "\(kind) \(id)", "a second record of this id; the last one stands for all")
        }
    }

    private mutating func check(_ annotation: CocoAnnotation, keypoints pointCount: Int) {
        let record = "annotation \(annotation.id) (image \(annotation.imageID))"
        if annotation.id == 0 {
            add(truthFile, record, "id 0: COCO's tool counts detections that match it as false positives")
        }
        if sizes[annotation.imageID] == nil { add(truthFile, record, "its image is not listed; it is left out") }
        if !categoryIDs.contains(annotation.categoryID) {
            add(truthFile, record, "category \(annotation.categoryID) is not listed; it is left out")
        }
        // LVIS knows no crowds.
        if annotation.lacksCrowdFlag, truth.images.first?.federation == nil {
            add(truthFile, record, "no \"iscrowd\": COCO's tool stops; here it is 0")
        }
        if annotation.area == nil { add(truthFile, record, "no \"area\": it cannot be scored") }
        if let box = annotation.box {
            if !(box.width > 0 && box.height > 0) {
                add(truthFile, record, "a box of \(box.width) x \(box.height): nothing can match it")
            }
        } else {
            add(truthFile, record, "no \"bbox\": boxes and keypoints cannot be scored")
        }
        if let problem = annotation.segmentation.flatMap({ drawing($0, annotation.imageID) }) {
            add(truthFile, record, problem)
        }
        guard let numbers = annotation.keypoints else { return }
        let visible = stride(from: 2, to: numbers.count, by: 3).count { numbers[$0] > 0 }
        if pointCount > 0, numbers.count != 3 * pointCount {
            add(truthFile, record, "\(numbers.count / 3) keypoints where the category names \(pointCount)")
        }
        if let count = annotation.keypointCount {
            if (count == 0) != (visible == 0) {
                add(truthFile, record, "\"num_keypoints\" \(count) where \(visible) are visible")
            }
        } else {
            add(truthFile, record, "no \"num_keypoints\": COCO's tool cannot score keypoints")
        }
    }

    /// Why a mask cannot be drawn or compared; nil where it can.
    private func drawing(_ segmentation: CocoSegmentation, _ imageID: Int64) -> String? {
        guard let size = sizes[imageID], size.pixelCount > 0 else { return nil }
        do throws(CocoSegmentation.DrawingError) {
            let mask = try segmentation.mask(size: size)
            if mask.size != size { return "a mask of \(mask.size) in an image of \(size): it matches nothing" }
            if !mask.isComplete {
                return
                    "run lengths that do not sum to the \(size.pixelCount) pixels of \(size): COCO's tool may never end"
            }
            return nil
        } catch { return "segmentation: expected \(error.expected), found \(error.found)" }
    }

    /// Checks a results file against the truth.
    ///
    /// - Throws: `DataError` where the file as a whole is no list of results.
    public mutating func checkResults(_ path: String) throws {
        let (table, positions, faults) = try CocoResults.loadLenient(path)
        recordCount += table.count + faults.count
        findings += faults.map(Finding.init)
        if table.isEmpty, faults.isEmpty {
            add(path, nil, "an empty list: COCO's tool stops; here every truth is missed")
        }
        guard let first = table.parts.first else { return }
        let kind: (part: DetectionTable.Parts, words: String) =
            first.contains(.box)
            ? (.box, "bbox")
            : first.contains(.segmentation) ? (.segmentation, "segmentation") : (.keypoints, "keypoints")
        let pointCount = truth.annotations.lazy.compactMap { $0.keypoints.map { $0.count / 3 } }.first
        for index in 0..<table.count {
            let record = "[\(positions[index])] (image \(table.imageIDs[index]))"
            if sizes[table.imageIDs[index]] == nil { add(path, record, "an image that the truth does not list") }
            if !categoryIDs.contains(table.categoryIDs[index]) {
                add(path, record, "category \(table.categoryIDs[index]), which the truth does not list; it is left out")
            }
            if !table.parts[index].contains(kind.part) {
                add(path, record, "no \"\(kind.words)\", which the first record has: the file cannot be scored")
            }
            if table.parts[index].contains(.unpacked) {
                add(path, record, "a mask that is no string: COCO's tool takes masks of results as strings only")
            }
            if let points = table.keypointRange(index)?.count, let expected = pointCount, points != 3 * expected {
                add(path, record, "\(points / 3) keypoints where the truth has \(expected): they cannot be compared")
            }
            if let segmentation = table.segmentation(index) {
                if let problem = drawing(segmentation, table.imageIDs[index]) { add(path, record, problem) }
            }
            if let box = table.box(index), !(box.width >= 0 && box.height >= 0) {
                add(path, record, "a box of \(box.width) x \(box.height)")
            }
        }
        if kind.part == .box, !table.segmentations.isEmpty {
            add(
                path, nil,
                "\"bbox\" beside \"segmentation\": areas of masks are taken from boxes, which moves APs, APm, APl")
        }
    }

    /// The answer of `dmt data verify`.
    public var report: DatasetReport {
        var split = DatasetSplitReport(
            section: "file", kind: "coco", split: "all", sampleCount: truth.images.count,
            classes: truth.categories.map(\.name))
        split.findings = findings
        return DatasetReport(file: truthFile, splits: [split])
    }
}
