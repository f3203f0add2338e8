import CMetricKernels

/// What one image alone says of a detector.
public struct CocoImageScore: Sendable, Equatable {
    /// At the first threshold of overlap, of detections at or above the minimum score.
    public var truePositives = 0
    public var falsePositives = 0
    /// Objects that count less those found.
    public var falseNegatives = 0
    /// AP of a data set of this image alone; nil where it has no object that counts.
    public var averagePrecision: Double?

    public init() {}
}

extension CocoEvaluation {
    /// Scores of each image, in the order of the matches' images.
    ///
    /// Counts and AP run over objects of all areas and the largest detection limit. AP of an image is the mean over the
    /// classes it shows: detections of other classes are false positives of the counts and leave its AP alone, as classes
    /// without truth leave COCO's mean.
    ///
    /// - Parameter minimumScore: of detections in the counts; AP needs none.
    /// - Complexity: O(detections + thresholds x recall thresholds x images with truths of a class).
    public static func imageScores(_ matches: CocoMatches, minimumScore: Double) -> [CocoImageScore] {
        var scores = [CocoImageScore](repeating: CocoImageScore(), count: matches.imageIDs.count)
        let settings = matches.settings
        guard let area = settings.areaRanges.firstIndex(where: { $0.name == "all" }),
            let limit = settings.maxDetections.last
        else { return scores }
        let everywhere = UInt16(truncatingIfNeeded: (UInt64(1) << UInt64(settings.iouThresholds.count)) - 1)
        var sums = [(precision: Double, classes: Int)](repeating: (0, 0), count: scores.count)
        var single = SingleImage(settings)
        for classIndex in 0..<matches.classCount {
            var rest = matches.classDetections[classIndex]
            var cells = matches.classTruthCells[classIndex]
            while true {
                let next = [rest.first.map { matches.images[$0] }, cells.first.map { matches.truthImages[$0] }]
                guard let image = next.compactMap(\.self).min() else { break }
                var truths = 0
                if let cell = cells.first, matches.truthImages[cell] == image {
                    truths = Int(matches.truthCounts[area * matches.truthImages.count + cell])
                    cells.removeFirst()
                }
                single.removeAll()
                var found = 0
                var rank = 0
                while let detection = rest.first, matches.images[detection] == image {
                    rest.removeFirst()
                    defer { rank += 1 }
                    let place = area * matches.scores.count + detection
                    let ignored = matches.ignored[place] & everywhere
                    if rank >= limit || ignored == everywhere { continue }
                    let hit = matches.matched[place] & ~ignored
                    single.add(hit: hit, ignored: ignored)
                    if matches.scores[detection] < minimumScore || ignored & 1 != 0 { continue }
                    found += Int(hit & 1)
                    scores[Int(image)].falsePositives += Int(~hit & 1)
                }
                scores[Int(image)].truePositives += found
                scores[Int(image)].falseNegatives += max(0, truths - found)
                if let precision = single.averagePrecision(truths: truths) {
                    sums[Int(image)].precision += precision
                    sums[Int(image)].classes += 1
                }
            }
        }
        for (image, sum) in sums.enumerated() where sum.classes > 0 {
            scores[image].averagePrecision = sum.precision / Double(sum.classes)
        }
        return scores
    }

    /// The detections of one class in one image, from high to low score.
    private struct SingleImage {
        private let settings: CocoSettings
        private var hits: [UInt32] = []
        private var ignored: [UInt32] = []
        private var places: [UInt32] = []
        private var precision: [Double]
        private var recall: [Double]

        init(_ settings: CocoSettings) {
            self.settings = settings
            recall = [Double](repeating: 0, count: settings.iouThresholds.count)
            precision = [Double](repeating: 0, count: recall.count * settings.recallThresholds.count)
        }

        mutating func removeAll() {
            hits.removeAll(keepingCapacity: true)
            ignored.removeAll(keepingCapacity: true)
            places.removeAll(keepingCapacity: true)
        }

        mutating func add(hit: UInt16, ignored: UInt16) {
            hits.append(UInt32(hit))
            self.ignored.append(UInt32(ignored))
            places.append(0)
        }

        /// Nil without truths.
        mutating func averagePrecision(truths: Int) -> Double? {
            if truths == 0 { return nil }
            var entry = dmt_resampled_class()
            let counted = hits.withUnsafeBufferPointer { hits in
                ignored.withUnsafeBufferPointer { ignored in
                    places.withUnsafeBufferPointer { places in
                        withUnsafePointer(to: UInt32(0)) { truthImage in
                            withUnsafePointer(to: UInt32(truths)) { truthCount in
                                entry.count = hits.count
                                entry.image = places.baseAddress
                                entry.hit = hits.baseAddress
                                entry.ignored = ignored.baseAddress
                                entry.truth_cells = 1
                                entry.truth_image = truthImage
                                entry.truth_count = truthCount
                                return dmt_resample_class(
                                    &entry, [1], recall.count, settings.recallThresholds,
                                    settings.recallThresholds.count, &precision, &recall)
                            }
                        }
                    }
                }
            }
            return counted == 0 ? nil : precision.reduce(0, +) / Double(precision.count)
        }
    }
}
