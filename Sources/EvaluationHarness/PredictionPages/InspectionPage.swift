import ImageFiles
import Reporting
import SafeFiles

/// A page of charts and pictures while it is put together, with the files that belong beside it: each chart as SVG and its
/// numbers as CSV, pictures as PNG.
struct InspectionPage {
    /// Encoded pictures that a page holds at most; with Base64 and everything else the page stays below 3 MB.
    static let pictureBudget = 1_800_000

    var introduction: [String] = []
    var sections: [ReportSection] = []
    /// Key figures for `--json`.
    var figures: [(String, Double?)] = []
    /// In the order of their making; names are relative to the page's folder.
    private(set) var files: [(name: String, bytes: [UInt8])] = []
    private(set) var pictureBytes = 0

    /// - Parameter data: CSV text in place of the chart's own points, which are `series,x,y`.
    mutating func chart(_ chart: LineChart, _ name: String, data: String? = nil) -> ReportBlock {
        var rows = [["series", chart.xLabel, chart.yLabel]]
        for series in chart.series {
            let name = CSVRenderer.guarded(series.name)
            rows += series.points.map { [name, NumberText.exact($0.x), NumberText.exact($0.y)] }
        }
        add(SVGRenderer().render(chart), "plots/\(name).svg")
        add(data ?? CSVText.text(rows), "plots/\(name).csv")
        return .chart(chart)
    }

    /// - Parameter data: CSV text in place of the plot's own table.
    mutating func plot(_ plot: Plot, _ name: String, data: String? = nil) -> ReportBlock {
        add(SVGRenderer().render(plot), "plots/\(name).svg")
        add(data ?? Self.csv(plot.table), "plots/\(name).csv")
        return .plot(plot)
    }

    /// A table's numbers in full, and nothing where there is none.
    static func csv(_ table: ReportTable) -> String {
        let names = table.columns.map { CSVRenderer.guarded($0.title) }
        let rows = table.rows.map { row in
            row.map { cell in
                cell.number.map(NumberText.exact) ?? (cell.text == "–" ? "" : CSVRenderer.guarded(cell.text))
            }
        }
        return CSVText.text([names] + rows)
    }

    /// A picture's name without its ending, for a file's name.
    static func stem(_ name: String) -> String {
        RunFolder.slug(String(SegmentationInference.fileName(name).dropLast(4)))
    }

    mutating func add(_ text: String, _ name: String) { files.append((name, Array(text.utf8))) }

    mutating func add(_ picture: Picture, _ name: String) { files.append((name, PNGFile.encode(picture))) }

    /// A picture for the page; nil where the page is full.
    mutating func tile(_ picture: Picture, _ caption: String) -> PictureGrid.Picture? {
        let jpeg = JPEGFile.encode(picture, quality: 80, sampling: .full)
        guard pictureBytes + jpeg.count <= Self.pictureBudget else { return nil }
        pictureBytes += jpeg.count
        return PictureGrid.Picture(jpeg: jpeg, caption: caption)
    }

    /// Writes every file below a folder.
    ///
    /// - Parameter start: how the names begin of those that are wanted.
    /// - Returns: the names, in order.
    func write(to folder: String, only start: String = "") throws(DataError) -> [String] {
        var names: [String] = []
        for (name, bytes) in files where name.hasPrefix(start) {
            let path = "\(folder)/\(name)"
            try Folder.create(Folder.parent(of: path))
            // All can be made again: no reason to wait for the disk.
            try AtomicFile.write(bytes, to: path, durability: .renamed)
            names.append(name)
        }
        return names
    }
}

/// Which pictures a page shows, and how.
struct GalleryOptions {
    /// Pictures of the lowest and of the highest score.
    var worst = 8
    var best = 4
    /// The long side that pictures are shown at.
    var side = 480

    /// Places in `scores` of the pictures to show, equals by name; a picture is shown once.
    ///
    /// - Parameter scores: nil for pictures without a score, which are left out.
    func choice(_ scores: [(name: String, score: Double?)]) -> (worst: [Int], best: [Int]) {
        let scored = scores.indices.filter { scores[$0].score != nil }
        func ordered(_ sign: Double) -> [Int] {
            scored.sorted {
                (sign * scores[$0].score!, scores[$0].name) < (sign * scores[$1].score!, scores[$1].name)
            }
        }
        let low = Array(ordered(1).prefix(worst))
        return (low, Array(ordered(-1).filter { !low.contains($0) }.prefix(best)))
    }
}
