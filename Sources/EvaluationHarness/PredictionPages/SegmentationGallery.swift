import DenseData
import DenseMetrics
import Geometry
import ImageFiles
import Reporting
import SafeFiles

/// Picture, truth, prediction and errors side by side.
struct SegmentationGallery {
    let findings: SegmentationFindings
    let options: GalleryOptions

    /// Classes that a key still names.
    private static let keyLimit = 60

    /// - Throws: `DataError` for a picture that cannot be read.
    func add(to page: inout InspectionPage) throws {
        let dataset = findings.dataset
        let table = findings.score.imageTable
        let places = Dictionary(
            (0..<dataset.count).map { (SegmentationInference.fileName(dataset.name(at: $0)), $0) },
            uniquingKeysWith: { $1 })
        page.add(Self.csv(table), "images.csv")
        let chosen = options.choice(table.map { ($0.name, $0.labelledPixels == 0 ? nil : $0.mIoU) })
        var blocks: [ReportBlock] = []
        var seen: Set<Int> = []
        for (heading, list) in [("worst", chosen.worst), ("best", chosen.best)] where !list.isEmpty {
            let drawn = try ParallelMap.map(list.count) { try places[table[list[$0]].name].map { try panels($0) } }
            var grid = PictureGrid(
                caption: "Pictures of the \(heading == "worst" ? "lowest" : "highest") mIoU of their own.",
                columnCount: 4, pictures: [])
            var shown = 0
            for (rank, (place, panels)) in zip(list, drawn).enumerated() {
                guard let panels else { continue }
                seen.formUnion(panels.classes)
                let row = table[place]
                let number = rank + 1 < 10 ? "0\(rank + 1)" : "\(rank + 1)"
                page.add(panels.sheet, "pictures/\(heading)-\(number)-\(InspectionPage.stem(row.name)).png")
                let score = NumberText.fixed(row.mIoU ?? 0, digits: 3)
                let tiles = zip(panels.pictures, SegmentationPanels.titles).compactMap { picture, title in
                    page.tile(picture, title == "picture" ? "\(row.name): mIoU \(score)" : title)
                }
                guard tiles.count == SegmentationPanels.titles.count else { continue }
                grid.pictures += tiles
                shown += 1
            }
            if shown < list.count {
                grid.caption += " \(list.count - shown) more found no room on this page."
            }
            blocks.append(.pictures(grid))
        }
        if blocks.isEmpty { blocks.append(.paragraph("No picture has a scored pixel.")) }
        blocks.insert(.plot(.key(key(seen))), at: 0)
        page.sections.append(ReportSection(heading: "Pictures", blocks: blocks))
    }

    private func key(_ classes: Set<Int>) -> ColourKey {
        let names = findings.dataset.info.classes
        var entries = classes.sorted().prefix(Self.keyLimit).map { Palette.entry(names[$0], Palette.colour($0)) }
        if classes.count > Self.keyLimit {
            entries.append(Palette.entry("and \(classes.count - Self.keyLimit) more", (255, 255, 255)))
        }
        return ColourKey(title: "Colours of classes", entries: entries + SegmentationPanels.errorEntries)
    }

    private static func csv(_ rows: [SemsegScore.ImageRow]) -> String {
        CSVText.text(
            [["image", "mIoU", "aAcc", "labelled_pixels"]]
                + rows.map { row in
                    [
                        CSVRenderer.guarded(row.name), row.mIoU.map(NumberText.exact) ?? "",
                        row.pixelAccuracy.map(NumberText.exact) ?? "",
                        "\(row.labelledPixels)",
                    ]
                })
    }

    /// Four panels share the width that one picture of a detector has.
    private func panels(_ index: Int) throws -> SegmentationPanels {
        try SegmentationPanels(
            findings.dataset, index, predictions: findings.predictions, side: max(64, options.side * 2 / 3))
    }
}
