import DenseData
import DenseMetrics
import ImageFiles

/// The ceiling of a probe that gives each patch one label: every patch has the label that most of its scored pixels have.
enum PatchOracle {
    /// - Parameter grid: patches that a picture is shown in.
    /// - Throws: `DataError` for a label file that cannot be read.
    static func evaluation(
        _ dataset: SegmentationFolder, grid: (height: Int, width: Int)
    ) throws -> SegmentationEvaluation {
        let ignore = dataset.info.ignoreLabel ?? 255
        let coding = try LabelCoding(classCount: dataset.info.classes.count, ignoreLabel: Int(ignore))
        let counts = try ParallelMap.map(dataset.count) { index in
            let labels = try dataset.labels(at: index)
            var counter = SegmentationCounter(coding: coding)
            return try counter.counts(
                prediction: prediction(labels, grid: grid, ignore: ignore).values, label: labels.values)
        }
        var evaluation = SegmentationEvaluation(classCount: coding.classCount)
        for (index, counts) in counts.enumerated() { evaluation.add(counts, image: dataset.name(at: index)) }
        return evaluation
    }

    /// The labels of the patches drawn at the size of the map; of equals the lower class wins.
    static func prediction(_ map: LabelImage, grid: (height: Int, width: Int), ignore: UInt16) -> LabelImage {
        let classes = majority(map, grid: grid, ignore: ignore)
        var result = map
        for gy in 0..<grid.height {
            for gx in 0..<grid.width {
                // A patch without scored pixels may have any label.
                let label = UInt16(max(0, classes[gy * grid.width + gx]))
                for y in gy * map.height / grid.height..<(gy + 1) * map.height / grid.height {
                    for x in gx * map.width / grid.width..<(gx + 1) * map.width / grid.width {
                        result.values[y * map.width + x] = label
                    }
                }
            }
        }
        return result
    }

    /// The most common label of each cell of a grid over the map; ties go to the lower label, all-ignored cells to -1.
    static func majority(_ map: LabelImage, grid: (height: Int, width: Int), ignore: UInt16) -> [Int32] {
        var result: [Int32] = []
        for gy in 0..<grid.height {
            for gx in 0..<grid.width {
                var counts: [UInt16: Int] = [:]
                for y in gy * map.height / grid.height..<(gy + 1) * map.height / grid.height {
                    for x in gx * map.width / grid.width..<(gx + 1) * map.width / grid.width {
                        let label = map.values[y * map.width + x]
                        if label != ignore { counts[label, default: 0] += 1 }
                    }
                }
                let best = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
                result.append(best.map { Int32($0.key) } ?? -1)
            }
        }
        return result
    }
}
