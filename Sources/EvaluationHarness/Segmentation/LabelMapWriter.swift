import DenseData
import ImageFiles
import SafeFiles

/// Writes predicted label maps as index PNGs, coded like the data set's label files: class + 1 where 0 means "other"
/// (ADE20K), else the class; 8 bits where they fit, else 16. Files appear whole or not at all.
struct LabelMapWriter {
    private let folder: String
    private let offset: UInt16
    private let bitDepth: Int

    /// Creates the folder.
    ///
    /// - Parameter isReal: `false` on a rank that only encodes.
    init(_ folder: String, dataset: SegmentationFolder, classCount: Int, isReal: Bool = true) throws(DataError) {
        if isReal { try Folder.create(folder) }
        self.folder = folder
        offset = dataset.reducesZeroLabel ? 1 : 0
        bitDepth = classCount + Int(offset) <= 256 ? 8 : 16
    }

    /// Writes the map of a picture under the picture's stem.
    ///
    /// - Returns: the file's name.
    @discardableResult
    func write(_ map: LabelImage, of picture: String) throws -> String {
        try write(encoded(map), of: picture)
    }

    /// The bytes of a map's file.
    func encoded(_ map: LabelImage) -> [UInt8] {
        var coded = map
        if offset > 0 { for pixel in coded.values.indices { coded.values[pixel] += offset } }
        return PNGFile.encode(coded, bitDepth: bitDepth)
    }

    /// Writes what `encoded` made.
    func write(_ bytes: [UInt8], of picture: String) throws(DataError) -> String {
        let name = SegmentationInference.fileName(picture)
        try AtomicFile.write(bytes, to: "\(folder)/\(name)", durability: .renamed)
        return name
    }
}
