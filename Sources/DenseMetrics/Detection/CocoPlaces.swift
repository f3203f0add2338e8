import Annotations

/// How often something was met, and the first records where it was.
struct CocoPlaces: Sendable {
    /// A record of the results, one of the truth's annotations, or a pair of both.
    struct Place: Sendable, Hashable {
        var result: Int32?
        var annotation: Int32?
    }

    private(set) var count = 0
    /// Ascending by position; as many as a message names.
    private var first: [Place] = []
    private static let named = 5

    mutating func add(result: Int32? = nil, annotation: Int32? = nil) {
        count += 1
        keep(Place(result: result, annotation: annotation))
    }

    mutating func add(_ other: CocoPlaces) {
        count += other.count
        for place in other.first { keep(place) }
    }

    private mutating func keep(_ place: Place) {
        func order(_ place: Place) -> (Int32, Int32) { (place.result ?? -1, place.annotation ?? -1) }
        let index = first.firstIndex { order(place) < order($0) } ?? first.count
        guard index < Self.named else { return }
        first.insert(place, at: index)
        if first.count > Self.named { first.removeLast() }
    }

    /// The records by position, image and id, such as "results[4] (image 7) with annotation 3 (image 7)".
    func names(_ truth: CocoDataset, _ results: DetectionTable) -> String {
        let texts = first.map { place in
            [
                place.result.map { "results[\($0)] (image \(results.imageIDs[Int($0)]))" },
                place.annotation.map {
                    "annotation \(truth.annotations[Int($0)].id) (image \(truth.annotations[Int($0)].imageID))"
                },
            ].compactMap(\.self).joined(separator: " with ")
        }
        return texts.joined(separator: ", ") + (count > first.count ? " and \(count - first.count) more" : "")
    }
}

extension CocoWarning {
    /// A warning about records; nil where there are none.
    init?(_ code: String, _ places: CocoPlaces, _ truth: CocoDataset, _ results: DetectionTable, _ advice: String) {
        guard places.count > 0 else { return nil }
        self.init(code, "\(places.count) \(advice): \(places.names(truth, results))")
    }

    /// A warning about ids that stand several times in a list; nil where there are none.
    init?(repeatedIDs ids: [Int64], _ kind: String, _ consequence: String) {
        var seen: Set<Int64> = []
        let repeated = Set(ids.filter { !seen.insert($0).inserted }).sorted()
        guard !repeated.isEmpty else { return nil }
        let names = repeated.prefix(5).map(String.init).joined(separator: ", ")
        let more = repeated.count > 5 ? " and \(repeated.count - 5) more" : ""
        self.init("repeated-\(kind)-id", "\(consequence); give every \(kind) its own id: \(names)\(more)")
    }

    static func masks(
        unfilled: CocoPlaces, mismatches: CocoPlaces, _ truth: CocoDataset, _ results: DetectionTable
    ) -> [CocoWarning] {
        [
            CocoWarning(
                "runs-do-not-fill-image", unfilled, truth, results,
                "result mask(s) have run lengths that do not sum to height times width"),
            CocoWarning(
                "mask-size-differs", mismatches, truth, results,
                "pair(s) of masks have different sizes and cannot match; encode result masks at the image's own size"),
        ].compactMap(\.self)
    }
}
