import CMetricKernels

/// A matched evaluation ready to be counted again with other images: for a bootstrap over images, without matching anew.
///
/// Only what can change a number is kept, in score order: detections that are ignored at every threshold are left out, and
/// where recall alone is asked for, all but true positives.
public struct CocoResampling: Sendable {
    /// The numbers of the summary, without values.
    public let metrics: [CocoMetric]
    /// Ascending; weights are given in this order.
    public let imageIDs: [Int64]
    private let settings: CocoSettings
    private let groups: [Group]
    /// For each metric its group, nil where the protocol lacks its area or limit.
    private let sources: [Int?]

    /// One area range and detection limit.
    private struct Group: Sendable {
        var classes: [Counts] = []
        var needsPrecision = false
    }

    /// One class of a group.
    private struct Counts: Sendable {
        var images: [UInt32] = []
        var hits: [UInt32] = []
        var ignored: [UInt32] = []
        var truthImages: [UInt32] = []
        var truthCounts: [UInt32] = []
    }

    /// - Parameter name: the one metric that is wanted; all of the summary unless given.
    public init(_ matches: CocoMatches, only name: String? = nil) {
        settings = matches.settings
        imageIDs = matches.imageIDs
        metrics = CocoMetric.definitions(matches.settings).filter { name == nil || $0.name == name }
        var keys: [(area: Int, limit: Int, frequency: String)] = []
        var needsPrecision: [Bool] = []
        sources = metrics.map { [settings] metric in
            guard let area = settings.areaRanges.firstIndex(where: { $0.name == metric.area }),
                settings.maxDetections.contains(metric.maxDetections)
            else { return nil }
            let frequency = metric.frequency ?? ""
            let known = keys.firstIndex { $0 == (area, metric.maxDetections, frequency) }
            if known == nil {
                keys.append((area, metric.maxDetections, frequency))
                needsPrecision.append(false)
            }
            let group = known ?? keys.count - 1
            needsPrecision[group] = needsPrecision[group] || metric.isPrecision
            return group
        }
        let orders = (0..<matches.classCount).map { Self.order(matches, $0) }
        groups = zip(keys, needsPrecision).map { key, needsPrecision in
            Group(
                classes: orders.indices.filter {
                    key.frequency.isEmpty || matches.frequencies[$0] == key.frequency
                }.map {
                    Self.counts(matches, $0, orders[$0], key.area, key.limit, needsPrecision)
                }, needsPrecision: needsPrecision)
        }
    }

    /// Positions of a class's detections from high to low score.
    private static func order(_ matches: CocoMatches, _ classIndex: Int) -> [Int] {
        let range = matches.classDetections[classIndex]
        return ScoreOrder.descending(matches.scores[range]).map { range.lowerBound + $0 }
    }

    private static func counts(
        _ matches: CocoMatches, _ classIndex: Int, _ order: [Int], _ area: Int, _ limit: Int, _ needsPrecision: Bool
    ) -> Counts {
        var counts = Counts()
        let everywhere = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(matches.settings.iouThresholds.count)) - 1)
        let base = area * matches.scores.count
        let ranks = matches.ranks(classIndex)
        let first = matches.classDetections[classIndex].lowerBound
        for detection in order where ranks[detection - first] < limit {
            let ignored = UInt32(matches.ignored[base + detection]) & everywhere
            let hit = UInt32(matches.matched[base + detection]) & ~ignored & everywhere
            if ignored == everywhere || hit == 0 && !needsPrecision { continue }
            counts.images.append(UInt32(matches.images[detection]))
            counts.hits.append(hit)
            counts.ignored.append(ignored)
        }
        for cell in matches.classTruthCells[classIndex] {
            let count = matches.truthCounts[area * matches.truthImages.count + cell]
            if count == 0 { continue }
            counts.truthImages.append(UInt32(matches.truthImages[cell]))
            counts.truthCounts.append(UInt32(count))
        }
        return counts
    }

    /// The numbers of ``metrics`` when image `i` occurs `weights[i]` times; nil where no class has a truth that counts.
    ///
    /// - Precondition: one weight an image.
    public func values(weights: [UInt32]) -> [Double?] { counted(weights: weights).metrics }

    /// The same with the first metric of each class alone: AP, nil where the class has no truth that counts.
    ///
    /// - Precondition: as `values(weights:)`; not LVIS's protocol.
    public func valuesWithClasses(weights: [UInt32]) -> (metrics: [Double?], classes: [Double?]) {
        precondition(!settings.isFederated, "numbers of classes under LVIS's protocol")
        return counted(weights: weights)
    }

    private func counted(weights: [UInt32]) -> (metrics: [Double?], classes: [Double?]) {
        precondition(weights.count == imageIDs.count, "\(weights.count) weights for \(imageIDs.count) images")
        let means = groups.map { mean($0, weights) }
        let values = zip(metrics, sources).map { metric, source -> Double? in
            guard let source else { return nil }
            let (precision, recall, classes, _) = means[source]
            if classes == 0 { return nil }
            let thresholds = settings.iouThresholds.indices.filter {
                metric.iouThreshold == nil || settings.iouThresholds[$0] == metric.iouThreshold
            }
            if thresholds.isEmpty { return nil }
            let sums = metric.isPrecision ? precision : recall
            return thresholds.reduce(0) { $0 + sums[$1] } / Double(thresholds.count * classes)
        }
        let ofClasses = sources.first.flatMap(\.self).map { means[$0].ofClasses }
        return (values, ofClasses ?? [Double?](repeating: nil, count: groups.first?.classes.count ?? 0))
    }

    /// Sums over the classes with truths of precision (the mean over recall thresholds) and recall, one a threshold.
    private func mean(
        _ group: Group, _ weights: [UInt32]
    ) -> (precision: [Double], recall: [Double], classes: Int, ofClasses: [Double?]) {
        let (thresholds, recalls) = (settings.iouThresholds.count, settings.recallThresholds.count)
        var curve = [Double](repeating: 0, count: thresholds * recalls)
        var reached = [Double](repeating: 0, count: thresholds)
        var (precision, recall, classes) = (reached, reached, 0)
        var ofClasses = [Double?](repeating: nil, count: group.classes.count)
        for (index, counts) in group.classes.enumerated() {
            var entry = dmt_resampled_class()
            let truths = counts.images.withUnsafeBufferPointer { images in
                counts.hits.withUnsafeBufferPointer { hits in
                    counts.ignored.withUnsafeBufferPointer { ignored in
                        counts.truthImages.withUnsafeBufferPointer { truthImages in
                            counts.truthCounts.withUnsafeBufferPointer { truthCounts in
                                entry.count = images.count
                                entry.image = images.baseAddress
                                entry.hit = hits.baseAddress
                                entry.ignored = ignored.baseAddress
                                entry.truth_cells = truthImages.count
                                entry.truth_image = truthImages.baseAddress
                                entry.truth_count = truthCounts.baseAddress
                                return curve.withUnsafeMutableBufferPointer { curve in
                                    dmt_resample_class(
                                        &entry, weights, thresholds, settings.recallThresholds, recalls,
                                        group.needsPrecision ? curve.baseAddress : nil, &reached)
                                }
                            }
                        }
                    }
                }
            }
            if truths == 0 { continue }
            classes += 1
            var sum = 0.0
            for t in 0..<thresholds {
                recall[t] += reached[t]
                guard group.needsPrecision else { continue }
                let mean = curve[t * recalls..<(t + 1) * recalls].reduce(0, +) / Double(recalls)
                precision[t] += mean
                sum += mean
            }
            ofClasses[index] = sum / Double(thresholds)
        }
        return (precision, recall, classes, ofClasses)
    }
}
