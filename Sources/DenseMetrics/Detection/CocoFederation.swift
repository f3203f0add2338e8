import Annotations

/// LVIS's choice of what counts: each picture is scored only for the classes that it shows or is known not to show.
///
/// - Source: Gupta et al. 2019, arXiv:1908.03195, §4.1; lvis-api `results.py` (the limit) and `eval.py`.
struct CocoFederation {
    /// Image and class in one number: classes that a picture shows or is known not to show.
    private var known: Set<Int64> = []
    /// Classes of which not every object of a picture is marked.
    private var notExhaustive: Set<Int64> = []

    static func key(_ image: Int32, _ category: Int32) -> Int64 { Int64(image) << 32 | Int64(category) }

    /// - Throws: `CocoInputError` for an image without its lists of classes.
    init(_ truth: CocoDataset, image: (Int64) -> Int32?, category: (Int64) -> Int32?) throws(CocoInputError) {
        for (index, item) in truth.images.enumerated() {
            guard let federation = item.federation else {
                throw CocoInputError(
                    .truth, record: "images[\(index)] (id \(item.id))", expected: "a list \"neg_category_ids\"",
                    found: "none", remedy: "give an LVIS truth file, or score with dmt score coco")
            }
            guard let place = image(item.id) else { continue }
            for id in federation.negativeCategoryIDs {
                if let category = category(id) { known.insert(Self.key(place, category)) }
            }
            for id in federation.notExhaustiveCategoryIDs {
                if let category = category(id) { notExhaustive.insert(Self.key(place, category)) }
            }
        }
        for annotation in truth.annotations {
            guard let image = image(annotation.imageID), let category = category(annotation.categoryID) else {
                continue
            }
            known.insert(Self.key(image, category))
        }
    }

    func counts(_ image: Int32, _ category: Int32) -> Bool { known.contains(Self.key(image, category)) }

    func excusesUnmatched(_ image: Int32, _ category: Int32) -> Bool {
        notExhaustive.contains(Self.key(image, category))
    }

    /// Whether each result is among the `limit` best of its image over all classes; of equal scores the earlier stays.
    static func best(_ results: DetectionTable, _ limit: Int) -> [Bool] {
        var counts: [Int64: Int] = [:]
        for id in results.imageIDs { counts[id, default: 0] += 1 }
        var kept = [Bool](repeating: true, count: results.count)
        var crowded: [Int64: [Int]] = [:]
        for (index, id) in results.imageIDs.enumerated() where counts[id]! > limit {
            crowded[id, default: []].append(index)
        }
        for indices in crowded.values {
            let order = ScoreOrder.descending(indices.lazy.map { results.scores[$0] })
            for place in order.dropFirst(limit) { kept[indices[place]] = false }
        }
        return kept
    }
}

extension CocoDataset {
    /// LVIS's frequency letter of each class, in the order of `categoryIDs`.
    func frequencies(_ categoryIDs: [Int64]) throws(CocoInputError) -> [String] {
        let letters = Dictionary(categories.map { ($0.id, $0.frequency) }, uniquingKeysWith: { $1 })
        var result: [String] = []
        for id in categoryIDs {
            guard let letter = letters[id] ?? nil, ["r", "c", "f"].contains(letter) else {
                throw CocoInputError(
                    .truth, record: "category \(id)", expected: "a \"frequency\" of r, c or f",
                    found: (letters[id] ?? nil) ?? "none",
                    remedy: "give an LVIS truth file, or score with dmt score coco")
            }
            result.append(letter)
        }
        return result
    }
}
