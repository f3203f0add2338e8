import Annotations
import Determinism
import Geometry
import ImageFiles
import SafeFiles

/// A folder of pictures with YOLO text files beside it, as COCO's scoring takes it.
///
/// Pictures get the ids 1, 2, … in the order of their names; a picture without a text file has no objects. A text file
/// without a picture is refused: its objects would silently not count.
struct YoloImport {
    private let pictures: [(name: String, stem: String, size: ImageSize)]
    private let allowsLinks: Bool

    /// - Parameters:
    ///   - folder: the pictures, which give the sizes; only their headers are read.
    ///   - allowsLinks: whether pictures and text files may be symbolic links.
    init(pictures folder: String, allowsLinks: Bool) throws {
        self.allowsLinks = allowsLinks
        let root = try RootedPath(root: folder, allowsLinks: allowsLinks)
        let names = try Folder.entries(folder).filter(PictureFile.hasPictureEnding)
        guard !names.isEmpty else {
            throw DataError(
                .missing, file: folder, expected: "pictures", found: "none", remedy: "name the folder of the pictures")
        }
        var sizes = [Result<ImageSize, any Error>](
            repeating: .success(ImageSize(height: 0, width: 0)), count: names.count)
        sizes.withUnsafeMutableBufferPointer { out in
            nonisolated(unsafe) let out = out
            Parallel.forEach(names.count) { index in
                out[index] = Result {
                    let size = try PictureFile.size(of: root.resolve(names[index], in: folder))
                    return ImageSize(height: size.height, width: size.width)
                }
            }
        }
        pictures = try zip(names, sizes).map { name, size in (name, Self.stem(name), try size.get()) }
        let repeated = Dictionary(grouping: pictures, by: \.stem).values.first { $0.count > 1 }
        if let repeated {
            throw DataError(
                .malformed, file: folder, expected: "one picture a text file",
                found: repeated.map(\.name).joined(separator: ", "), remedy: "rename the pictures")
        }
    }

    private static func stem(_ name: String) -> String {
        name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }

    /// - Parameter names: of the classes, by number; more classes than names are called by their numbers.
    func truth(_ folder: String, names: [String]) throws -> CocoDataset {
        var annotations: [CocoAnnotation] = []
        var classCount = names.count
        try forEachObject(folder, hasScores: false) { imageID, object in
            classCount = max(classCount, Int(object.categoryID) + 1)
            annotations.append(
                CocoAnnotation(
                    id: Int64(annotations.count + 1), imageID: imageID, categoryID: object.categoryID, box: object.box,
                    area: object.outline.map { Polygon($0).area } ?? object.box.area,
                    segmentation: object.outline.map { .polygons([$0]) }))
        }
        guard classCount <= 1_000_000 else {
            throw DataError(
                .malformed, file: folder, expected: "at most 1000000 classes", found: "class \(classCount - 1)",
                remedy: "number the classes from 0 without gaps")
        }
        return CocoDataset(
            images: pictures.enumerated().map { index, picture in
                CocoImage(id: Int64(index + 1), fileName: picture.name, size: picture.size)
            },
            categories: (0..<classCount).map { index in
                CocoCategory(id: Int64(index), name: index < names.count ? names[index] : "\(index)")
            }, annotations: annotations)
    }

    func results(_ folder: String) throws -> DetectionTable {
        var results: [DetectionResult] = []
        try forEachObject(folder, hasScores: true) { imageID, object in
            results.append(
                DetectionResult(
                    imageID: imageID, categoryID: object.categoryID, score: object.score ?? 0, box: object.box,
                    segmentation: object.outline.map { .polygons([$0]) }))
        }
        return DetectionTable(results)
    }

    private func forEachObject(
        _ folder: String, hasScores: Bool, _ body: (_ imageID: Int64, YoloLabels.Object) throws -> Void
    ) throws {
        let files = Set(try Folder.entries(folder).filter { $0.hasSuffix(".txt") })
        let known = Set(pictures.map { $0.stem + ".txt" })
        if let extra = files.subtracting(known).subtracting(["classes.txt"]).min() {
            throw DataError(
                .malformed, file: folder + "/" + extra, expected: "a picture of the same name", found: "none",
                remedy: "name the folder of the pictures that these files belong to")
        }
        let root = try RootedPath(root: folder, allowsLinks: allowsLinks)
        for (index, picture) in pictures.enumerated() where files.contains(picture.stem + ".txt") {
            let path = folder + "/" + picture.stem + ".txt"
            _ = try root.resolve(picture.stem + ".txt", in: folder)
            let text = String(decoding: try FileBytes.read(path, limit: 256 << 20), as: UTF8.self)
            for object in try YoloLabels.parse(text, file: path, size: picture.size, hasScores: hasScores) {
                try body(Int64(index + 1), object)
            }
        }
    }
}
