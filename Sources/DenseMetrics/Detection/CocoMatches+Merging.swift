extension CocoMatches {
    /// The matches of several sets of images as one: what matching all of them together would have given.
    ///
    /// - Precondition: at least one part; equal settings and classes; no image in two parts.
    public static func merged(_ parts: [CocoMatches]) -> CocoMatches {
        precondition(!parts.isEmpty, "merging no matches")
        let first = parts[0]
        for part in parts.dropFirst() {
            precondition(
                part.settings == first.settings && part.categoryIDs == first.categoryIDs
                    && part.frequencies == first.frequencies, "merging matches of different settings or classes")
        }
        var sources: [(id: Int64, part: Int, image: Int32)] = []
        for (part, matches) in parts.enumerated() {
            for (image, id) in matches.imageIDs.enumerated() { sources.append((id, part, Int32(image))) }
        }
        sources.sort { $0.id < $1.id }
        precondition(
            zip(sources, sources.dropFirst()).allSatisfy { $0.id < $1.id }, "merging matches that share an image")

        var columns = Columns(areas: first.settings.areaRanges.count)
        for classIndex in 0..<first.classCount {
            var detections = parts.map { $0.classDetections[classIndex] }
            var cells = parts.map { $0.classTruthCells[classIndex] }
            for (merged, source) in sources.enumerated() {
                let part = parts[source.part]
                while let next = detections[source.part].first, part.images[next] == source.image {
                    columns.append(detection: next, of: part, image: Int32(merged))
                    detections[source.part].removeFirst()
                }
                if let next = cells[source.part].first, part.truthImages[next] == source.image {
                    columns.append(cell: next, of: part, image: Int32(merged))
                    cells[source.part].removeFirst()
                }
            }
            columns.endClass()
        }
        return CocoMatches(
            settings: first.settings, imageIDs: sources.map(\.id), categoryIDs: first.categoryIDs,
            classCount: first.classCount, frequencies: first.frequencies, warnings: parts.flatMap(\.warnings),
            scores: columns.scores, images: columns.images, matched: columns.matched.flatMap(\.self),
            ignored: columns.ignored.flatMap(\.self), classDetections: columns.classDetections,
            truthImages: columns.truthImages, truthCounts: columns.truthCounts.flatMap(\.self),
            classTruthCells: columns.classTruthCells)
    }

    /// The columns of matches while they grow; one list an area range where there are several.
    private struct Columns {
        var scores: [Double] = []
        var images: [Int32] = []
        var matched: [[UInt16]]
        var ignored: [[UInt16]]
        var classDetections: [Range<Int>] = []
        var truthImages: [Int32] = []
        var truthCounts: [[Int32]]
        var classTruthCells: [Range<Int>] = []

        init(areas: Int) {
            matched = [[UInt16]](repeating: [], count: areas)
            ignored = matched
            truthCounts = [[Int32]](repeating: [], count: areas)
        }

        mutating func append(detection: Int, of part: CocoMatches, image: Int32) {
            scores.append(part.scores[detection])
            images.append(image)
            for area in matched.indices {
                matched[area].append(part.matched[area * part.scores.count + detection])
                ignored[area].append(part.ignored[area * part.scores.count + detection])
            }
        }

        mutating func append(cell: Int, of part: CocoMatches, image: Int32) {
            truthImages.append(image)
            for area in truthCounts.indices {
                truthCounts[area].append(part.truthCounts[area * part.truthImages.count + cell])
            }
        }

        mutating func endClass() {
            classDetections.append((classDetections.last?.upperBound ?? 0)..<scores.count)
            classTruthCells.append((classTruthCells.last?.upperBound ?? 0)..<truthImages.count)
        }
    }
}
