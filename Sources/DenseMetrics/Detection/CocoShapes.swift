import Annotations
import CMetricKernels
import Determinism
import Geometry

/// Areas, boxes, masks and keypoints of a cell order's records, flat for the loops in C.
struct CocoShapes {
    var truthArea: [Double] = []
    var truthIgnored: [UInt8] = []
    var truthCrowd: [UInt8] = []
    var truthIDZero: [UInt8] = []
    var detectionArea: [Double] = []
    /// x, y, width, height of each record: the file's for boxes and keypoints, the runs' own for masks.
    var truthBoxes: [Double] = []
    var detectionBoxes: [Double] = []
    var truthMasks: [RLEMask] = []
    var detectionMasks: [RLEMask] = []
    /// The masks' bands along their outlines; empty unless compared.
    var truthBands: [RLEMask] = []
    var detectionBands: [RLEMask] = []
    var truthPoints: [Double] = []
    /// Where each detection's keypoints begin in the table's.
    var detectionPointStarts: [Int] = []
    var warnings: [CocoWarning] = []

    /// What the first record of a results file makes of all of them.
    enum Kind {
        case box, mask, keypoints

        var part: DetectionTable.Parts {
            switch self {
            case .box: .box
            case .mask: .segmentation
            case .keypoints: .keypoints
            }
        }

        var words: String {
            switch self {
            case .box: "a \"bbox\""
            case .mask: "a \"segmentation\""
            case .keypoints: "\"keypoints\""
            }
        }
    }

    /// - Parameters:
    ///   - truths: positions in the truth's annotations.
    ///   - detections: positions in the results.
    init(
        truth: CocoDataset, truths: [Int32], results: DetectionTable, detections: [Int32], settings: CocoSettings
    ) throws {
        let sizes = CocoShapes.sizes(truth)
        try readTruths(truth, truths, settings, sizes)
        guard !results.isEmpty else {
            warnings.append(CocoWarning("no-results", "the results file is empty: every truth counts as missed"))
            return
        }
        try readDetections(results, detections, settings, sizes)
        let zeros = truthIDZero.reduce(0) { $0 + Int($1) }
        if zeros > 0 {
            warnings.append(
                CocoWarning(
                    "truth-id-0",
                    "\(zeros) annotation(s) have id 0; COCO's tool counts detections that match them as false "
                        + "positives, and so do these numbers; number annotations from 1"))
        }
    }

    /// Quirk(COCO): of two images with one id the later stands for both.
    private static func sizes(_ truth: CocoDataset) -> [Int64: ImageSize] {
        Dictionary(truth.images.map { ($0.id, $0.size) }, uniquingKeysWith: { $1 })
    }

    // MARK: - Truth

    private mutating func readTruths(
        _ truth: CocoDataset, _ positions: [Int32], _ settings: CocoSettings, _ sizes: [Int64: ImageSize]
    ) throws {
        let count = positions.count
        truthArea.reserveCapacity(count)
        var counted = 0
        for position in positions {
            let annotation = truth.annotations[Int(position)]
            func refuse(_ expected: String, _ found: String) -> CocoInputError {
                CocoInputError(
                    .truth, record: "annotations[\(position)] (id \(annotation.id))", expected: expected, found: found,
                    remedy: "correct this annotation")
            }
            guard let area = annotation.area else { throw refuse("an \"area\"", "none") }
            truthArea.append(area)
            // LVIS knows no crowds, and its "ignore" counts; COCO overwrites that field by "iscrowd".
            let isCrowd = settings.isFederated ? false : annotation.isCrowd
            truthCrowd.append(isCrowd ? 1 : 0)
            truthIDZero.append(annotation.id == 0 ? 1 : 0)
            var ignored = settings.isFederated ? annotation.isIgnored : isCrowd
            switch settings.overlap {
            case .box:
                guard let box = annotation.box else { throw refuse("a \"bbox\"", "none") }
                truthBoxes += [box.x, box.y, box.width, box.height]
            case .mask, .boundary:
                break
            case .keypoints:
                guard let points = annotation.keypoints else { throw refuse("\"keypoints\"", "none") }
                guard points.count == 3 * settings.sigmas.count else {
                    throw refuse("\(settings.sigmas.count) keypoints, one a sigma", "\(points.count / 3)")
                }
                let visible =
                    annotation.keypointCount ?? stride(from: 2, to: points.count, by: 3).count { points[$0] > 0 }
                if annotation.keypointCount == nil { counted += 1 }
                ignored = ignored || visible == 0
                guard let box = annotation.box else { throw refuse("a \"bbox\"", "none") }
                truthBoxes += [box.x, box.y, box.width, box.height]
                truthPoints += points
            }
            truthIgnored.append(ignored ? 1 : 0)
        }
        if counted > 0 {
            warnings.append(
                CocoWarning(
                    "num-keypoints-missing",
                    "\(counted) annotation(s) have no \"num_keypoints\"; points with visibility above 0 were counted"))
        }
        if settings.overlap.comparesMasks {
            truthMasks = try CocoShapes.draw(count) { index in
                let annotation = truth.annotations[Int(positions[index])]
                func refuse(_ expected: String, _ found: String) -> CocoInputError {
                    CocoInputError(
                        .truth, record: "annotations[\(positions[index])] (id \(annotation.id)), \"segmentation\"",
                        expected: expected, found: found, remedy: "correct this annotation")
                }
                guard let segmentation = annotation.segmentation else {
                    return .failure(refuse("a segmentation", "none"))
                }
                do throws(CocoSegmentation.DrawingError) {
                    return .success(
                        try segmentation.mask(size: sizes[annotation.imageID] ?? ImageSize(height: 0, width: 0)))
                } catch { return .failure(refuse(error.expected, error.found)) }
            }
            truthBoxes = CocoShapes.boxes(truthMasks)
            if settings.overlap == .boundary { truthBands = try CocoShapes.bands(truthMasks, settings) }
        }
    }

    // MARK: - Results

    private mutating func readDetections(
        _ results: DetectionTable, _ order: [Int32], _ settings: CocoSettings, _ sizes: [Int64: ImageSize]
    ) throws {
        func refuse(_ index: Int, _ expected: String, _ found: String = "none") -> CocoInputError {
            CocoInputError(
                .results, record: "[\(index)]", expected: expected, found: found, remedy: "correct this record")
        }
        // Quirk(COCO): the first record decides how areas and boxes of all are made.
        let kind: Kind
        let first = results.parts[0]
        if first.contains(.box) {
            kind = .box
        } else if first.contains(.segmentation) {
            kind = .mask
        } else if first.contains(.keypoints) {
            kind = .keypoints
        } else {
            throw refuse(0, "a \"bbox\", a \"segmentation\" or \"keypoints\"")
        }
        if let index = results.parts.firstIndex(where: { !$0.contains(kind.part) }) {
            throw refuse(index, "\(kind.words), as in the first record")
        }
        if kind == .box && settings.overlap.comparesMasks {
            warnings.append(
                CocoWarning(
                    "area-from-box",
                    "the results carry \"bbox\", so COCO's tool takes their areas from boxes, which moves APs, APm and "
                        + "APl; remove \"bbox\" to use mask areas"))
        }
        let needsMasks = settings.overlap.comparesMasks || kind == .mask
        if needsMasks {
            let drawn = try CocoShapes.draw(order.count) { place in
                let index = Int(order[place])
                let size = sizes[results.imageIDs[index]] ?? ImageSize(height: 0, width: 0)
                guard let segmentation = results.segmentation(index) else {
                    // Quirk(COCO): a box without a mask is drawn as a rectangle.
                    guard size.pixelCount > 0 else {
                        return .failure(refuse(index, "an image with height and width", "\(size)"))
                    }
                    let box = results.box(index)!
                    let limit = Polygon.coordinateLimit
                    guard [box.x, box.y, box.x + box.width, box.y + box.height].allSatisfy({ $0.magnitude <= limit })
                    else {
                        return .failure(
                            refuse(index, "a \"bbox\" within \(limit) pixels", "\(CocoShapes.numbers(box))"))
                    }
                    return .success(RLEMask(box: box, size: size))
                }
                do throws(CocoSegmentation.DrawingError) { return .success(try segmentation.mask(size: size)) } catch {
                    return .failure(refuse(index, error.expected, error.found))
                }
            }
            if settings.overlap.comparesMasks {
                detectionMasks = drawn
                detectionBoxes = CocoShapes.boxes(drawn)
                if settings.overlap == .boundary { detectionBands = try CocoShapes.bands(drawn, settings) }
                let broken = drawn.count { !$0.isComplete }
                if broken > 0 {
                    warnings.append(
                        CocoWarning(
                            "runs-do-not-fill-image",
                            "\(broken) result mask(s) have run lengths that do not sum to height times width"))
                }
            }
            if kind == .mask { detectionArea = drawn.map { Double($0.area) } }
            if kind == .mask && !settings.overlap.comparesMasks {
                detectionBoxes = order.indices.flatMap { place in
                    CocoShapes.numbers(results.box(Int(order[place])) ?? drawn[place].cocoBox)
                }
            }
        }
        if kind == .box { readBoxes(results, order, keepsBoxes: !settings.overlap.comparesMasks) }
        if kind == .keypoints {
            for position in order {
                let box = CocoShapes.bounds(results.keypoints[results.keypointRange(Int(position))!])
                detectionArea.append(box.area)
                if !settings.overlap.comparesMasks { detectionBoxes += CocoShapes.numbers(box) }
            }
        }
        if settings.overlap == .keypoints {
            detectionPointStarts.reserveCapacity(order.count)
            for position in order {
                guard let range = results.keypointRange(Int(position)) else {
                    throw refuse(Int(position), "\"keypoints\"")
                }
                guard range.count == 3 * settings.sigmas.count else {
                    throw refuse(
                        Int(position), "\(settings.sigmas.count) keypoints, one a sigma", "\(range.count / 3)")
                }
                detectionPointStarts.append(range.lowerBound)
            }
        }
    }

    /// Areas, and if wanted boxes, of records that all have one.
    private mutating func readBoxes(_ results: DetectionTable, _ order: [Int32], keepsBoxes: Bool) {
        results.boxes.withUnsafeBufferPointer { boxes in
            detectionArea = [Double](unsafeUninitializedCapacity: order.count) { areas, count in
                for (place, position) in order.enumerated() {
                    areas[place] = boxes[4 * Int(position) + 2] * boxes[4 * Int(position) + 3]
                }
                count = order.count
            }
            guard keepsBoxes else { return }
            detectionBoxes = [Double](unsafeUninitializedCapacity: 4 * order.count) { kept, count in
                for (place, position) in order.enumerated() {
                    for side in 0..<4 { kept[4 * place + side] = boxes[4 * Int(position) + side] }
                }
                count = 4 * order.count
            }
        }
    }

    /// Quirk(COCO): all points count, visible or not.
    private static func bounds(_ points: ArraySlice<Double>) -> CocoBox {
        guard points.count >= 3 else { return CocoBox(x: 0, y: 0, width: 0, height: 0) }
        let start = points.startIndex
        var (x0, x1, y0, y1) = (points[start], points[start], points[start + 1], points[start + 1])
        for i in stride(from: start + 3, to: points.endIndex, by: 3) {
            x0 = min(x0, points[i])
            x1 = max(x1, points[i])
            y0 = min(y0, points[i + 1])
            y1 = max(y1, points[i + 1])
        }
        return CocoBox(x: x0, y: y0, width: x1 - x0, height: y1 - y0)
    }

    private static func numbers(_ box: CocoBox) -> [Double] { [box.x, box.y, box.width, box.height] }

    private static func boxes(_ masks: [RLEMask]) -> [Double] {
        var result: [Double] = []
        result.reserveCapacity(4 * masks.count)
        for mask in masks { result += numbers(mask.cocoBox) }
        return result
    }

    private static func bands(_ masks: [RLEMask], _ settings: CocoSettings) throws -> [RLEMask] {
        try draw(masks.count) { .success(masks[$0].boundary(ratio: settings.boundaryRatio)) }
    }

    /// Makes `count` masks on all threads; of several failures the first in order is thrown.
    private static func draw(
        _ count: Int, _ make: (Int) -> Result<RLEMask, CocoInputError>
    ) throws -> [RLEMask] {
        let grain = 256
        let chunkCount = (count + grain - 1) / grain
        var chunks = [Result<[RLEMask], CocoInputError>](repeating: .success([]), count: chunkCount)
        chunks.withUnsafeMutableBufferPointer { chunks in
            nonisolated(unsafe) let out = chunks
            Parallel.forEach(chunkCount) { chunk in
                var made: [RLEMask] = []
                made.reserveCapacity(grain)
                for index in chunk * grain..<min((chunk + 1) * grain, count) {
                    switch make(index) {
                    case .success(let mask): made.append(mask)
                    case .failure(let error):
                        out[chunk] = .failure(error)
                        return
                    }
                }
                out[chunk] = .success(made)
            }
        }
        var masks: [RLEMask] = []
        masks.reserveCapacity(count)
        for chunk in chunks { masks += try chunk.get() }
        return masks
    }
}
