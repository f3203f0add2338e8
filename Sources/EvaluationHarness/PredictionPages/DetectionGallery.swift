import Annotations
import DenseData
import DenseMetrics
import Geometry
import ImageFiles
import Reporting
import SafeFiles

/// Pictures with truth and predictions: what is found, what is made up, what is missed.
struct DetectionGallery {
    let findings: DetectionFindings
    let options: GalleryOptions

    /// The image of `outcomes` at each of the data set's places.
    private var places: [Int64: Int] {
        Dictionary(
            (0..<findings.dataset.count).map { (findings.dataset.imageID(at: $0), $0) }, uniquingKeysWith: { $1 })
    }

    static let key = ColourKey(
        title: "Colours of objects",
        entries: [
            Palette.entry("right", Palette.right), Palette.entry("wrong", Palette.wrong),
            Palette.entry("missed (dashed)", Palette.missed), Palette.entry("truth of the right ones", (255, 255, 255)),
            Palette.entry("not counted", Palette.excused),
        ])

    /// - Throws: `DataError` for a picture that cannot be read.
    func add(to page: inout InspectionPage) throws {
        let images = findings.outcomes.images
        let places = places
        let drawing = DetectionDrawing(
            dataset: findings.dataset, truth: findings.truth, results: findings.results,
            names: findings.outcomes.categoryIDs.indices.map(findings.name), score: findings.score, side: options.side)
        let counts = images.map { $0.counts(from: findings.score) }
        let names = images.map { image in places[image.id].map(findings.dataset.name) ?? "\(image.id)" }
        page.add(table(names, counts), "images.csv")
        let chosen = options.choice(zip(names, counts).map { ($0, $1.f1) })
        let words =
            "score from \(NumberText.short(findings.score))"
            + (findings.options.score == nil ? ", where the mean F1 is greatest" : "")
            + ", \(findings.options.overlap.rawValue) IoU from \(NumberText.short(findings.options.iou))"
        var blocks: [ReportBlock] = [
            .paragraph("Detections count as drawn: \(words). Pictures are ordered by their own F1."),
            .plot(.key(Self.key)),
        ]
        for (heading, list) in [("worst", chosen.worst), ("best", chosen.best)] where !list.isEmpty {
            let drawn = try ParallelMap.map(list.count) { at in
                try places[images[list[at]].id].map { try drawing.picture(images[list[at]], at: $0) }
            }
            var grid = PictureGrid(
                caption: "Pictures of the \(heading == "worst" ? "lowest" : "highest") F1.", columnCount: 2,
                pictures: [])
            grid.narrowColumnCount = 1
            for (rank, (place, drawn)) in zip(list, drawn).enumerated() {
                guard let drawn else { continue }
                let count = counts[place]
                let caption =
                    "\(names[place]): F1 \(NumberText.fixed(count.f1 ?? 0, digits: 2)), \(count.right) right, "
                    + "\(count.wrong) wrong, \(count.missed) missed"
                let number = rank + 1 < 10 ? "0\(rank + 1)" : "\(rank + 1)"
                page.add(drawn, "pictures/\(heading)-\(number)-\(InspectionPage.stem(names[place])).png")
                if let tile = page.tile(drawn, caption) { grid.pictures.append(tile) }
            }
            if grid.pictures.count < list.count {
                grid.caption += " \(list.count - grid.pictures.count) more found no room on this page."
            }
            blocks.append(.pictures(grid))
        }
        if chosen.worst.isEmpty { blocks.append(.paragraph("No picture has an object or a detection.")) }
        blocks.append(
            page.plot(
                .scatter(
                    ScatterChart(
                        title: "F1 of each picture over its objects", xLabel: "objects", yLabel: "F1",
                        points: zip(names, counts).compactMap { name, count in
                            count.f1.map { .init(name: name, x: Double(count.right + count.missed), y: $0) }
                        })), "image_f1"))
        page.sections.append(ReportSection(heading: "Pictures", blocks: blocks))
    }

    private func table(_ names: [String], _ counts: [CocoOutcomes.Counts]) -> String {
        CSVText.text(
            [["image", "f1", "right", "wrong", "missed"]]
                + zip(names, counts).map { name, count in
                    [
                        CSVRenderer.guarded(name), count.f1.map(NumberText.exact) ?? "", "\(count.right)",
                        "\(count.wrong)",
                        "\(count.missed)",
                    ]
                })
    }
}
