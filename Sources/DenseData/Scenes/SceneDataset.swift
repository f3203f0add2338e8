import Determinism
import ImageFiles
import SafeFiles
import Synchronization

/// A drawn data set on disk in three layouts at once: COCO, ADE20K scene parsing, class folders.
///
///     coco/{train,val}/%012d.jpg, coco/annotations/instances_{train,val}.json
///     ADEChallengeData2016/{images,annotations}/{training,validation}/ADE_{train,val}_%08d.{jpg,png}, objectInfo14.txt
///     classes/{train,val}/<class>/%08d_<n>.jpg
///     dataset.yaml, INFO.json
///
/// The ADE pictures are the COCO files under a second name. INFO.json is written last: a folder without it is unfinished.
public enum SceneDataset {
    public struct Options: Sendable, Equatable {
        public var trainCount: Int
        public var validationCount: Int
        /// Pixels a side.
        public var size: Int
        public var seed: UInt64

        /// - Throws: `.configuration` for counts or sizes out of range.
        public init(trainCount: Int, validationCount: Int, size: Int = 96, seed: UInt64 = 0) throws(DataError) {
            self.trainCount = trainCount
            self.validationCount = validationCount
            self.size = size
            self.seed = seed
            for (name, value, range) in [
                ("--train", trainCount, 0...9_999_999), ("--val", validationCount, 0...9_999_999),
                ("--size", size, 32...2048),
            ] where !range.contains(value) {
                throw DataError(
                    .configuration, file: "data scenes", record: name,
                    expected: "\(range.lowerBound) to \(range.upperBound)",
                    found: "\(value)", remedy: "choose a number in that range")
            }
        }
    }

    public struct Summary: Sendable, Equatable {
        public var imageCount: [String: Int]
        public var annotationCount: [String: Int]
        public var cropCount: [String: Int]
    }

    /// Draws all scenes and writes everything under `folder`; the bytes depend on the options alone.
    ///
    /// - Parameters:
    ///   - progress: called between batches with the scenes done and the scenes in all.
    @discardableResult
    public static func write(
        _ options: Options, to folder: String, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(DataError) -> Summary {
        var summary = Summary(imageCount: [:], annotationCount: [:], cropCount: [:])
        var counts: [(name: String, records: [SceneRecord])] = []
        let total = options.trainCount + options.validationCount
        var done = 0
        for split in [
            SceneSplit(name: "train", count: options.trainCount),
            SceneSplit(name: "val", count: options.validationCount),
        ] {
            let places = try SceneFolders(root: folder, split: split.name)
            var writer = SceneAnnotationsWriter()
            var records: [SceneRecord] = []
            records.reserveCapacity(split.count)
            for start in stride(from: 0, to: split.count, by: 64) {
                let batch = start..<min(start + 64, split.count)
                for record in try draw(batch, of: split, options, places) {
                    records.append(record)
                    writer.add(fileName: SceneFolders.cocoName(records.count - 1), size: options.size, record.things)
                }
                done += batch.count
                progress(done, total)
            }
            try AtomicFile.write(writer.document(split: split.name), to: places.instances, durability: .renamed)
            summary.imageCount[split.name] = writer.imageCount
            summary.annotationCount[split.name] = writer.annotationCount
            summary.cropCount[split.name] = records.reduce(0) { $0 + $1.crops.reduce(0, +) }
            counts.append((split.name, records))
        }
        try SceneDescription.write(options, counts, to: folder)
        return summary
    }

    /// Draws a batch in parallel; each scene writes its own files, records come back in order.
    private static func draw(
        _ batch: Range<Int>, of split: SceneSplit, _ options: Options, _ places: SceneFolders
    ) throws(DataError) -> [SceneRecord] {
        let results = Mutex([Result<SceneRecord, DataError>?](repeating: nil, count: batch.count))
        Parallel.forEach(batch.count) { n in
            let result = Result { () throws(DataError) in try places.write(batch.lowerBound + n, options) }
            results.withLock { $0[n] = result }
        }
        var records: [SceneRecord] = []
        for result in results.withLock({ $0 }) { records.append(try result!.get()) }
        return records
    }
}

struct SceneSplit {
    var name: String
    var count: Int
}

/// Where the files of one split go.
struct SceneFolders {
    let split: String
    let instances: String
    private let coco, adeImages, adeLabels, classes: String

    /// Creates all folders.
    init(root: String, split: String) throws(DataError) {
        self.split = split
        let ade = split == "train" ? "training" : "validation"
        coco = "\(root)/coco/\(split)"
        adeImages = "\(root)/ADEChallengeData2016/images/\(ade)"
        adeLabels = "\(root)/ADEChallengeData2016/annotations/\(ade)"
        classes = "\(root)/classes/\(split)"
        instances = "\(root)/coco/annotations/instances_\(split).json"
        for folder in [coco, adeImages, adeLabels, Folder.parent(of: instances)] { try Folder.create(folder) }
        for name in SceneClasses.things { try Folder.create("\(classes)/\(name)") }
    }

    static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    static func cocoName(_ index: Int) -> String { padded(index + 1, 12) + ".jpg" }

    /// Draws scene `index` and writes its picture, labels and crops.
    func write(_ index: Int, _ options: SceneDataset.Options) throws(DataError) -> SceneRecord {
        let scene = DrawnScene(seed: options.seed, split: split, index: index, size: options.size)
        var record = SceneRecord(scene, size: options.size)
        let picture = "\(coco)/\(Self.cocoName(index))"
        let stem = "ADE_\(split)_\(Self.padded(index + 1, 8))"
        try AtomicFile.write(
            JPEGFile.encode(scene.picture, quality: scene.jpegQuality), to: picture, durability: .renamed)
        try Folder.link(picture, as: "\(adeImages)/\(stem).jpg")
        try AtomicFile.write(PNGFile.encode(scene.labels), to: "\(adeLabels)/\(stem).png", durability: .renamed)
        for (number, instance) in scene.instances.enumerated() {
            guard let crop = SceneCrop.picture(of: instance, in: scene.picture) else { continue }
            let name = "\(Self.padded(index + 1, 8))_\(number).jpg"
            try AtomicFile.write(
                JPEGFile.encode(crop, quality: 90), to: "\(classes)/\(SceneClasses.things[instance.thing])/\(name)",
                durability: .renamed)
            record.crops[instance.thing] += 1
        }
        return record
    }
}
