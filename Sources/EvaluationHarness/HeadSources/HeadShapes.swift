import Annotations
import CheckpointIO
import DenseHeads
import SafeFiles

/// The shapes of a checkpoint by name, with the questions that maps of whole models ask.
struct HeadShapes {
    private let shapes: [String: [Int]]
    private let file: String

    /// - Parameter strangers: names that are no part of the model.
    init(_ archive: any TensorArchive, strangers: (String) -> Bool) {
        var shapes: [String: [Int]] = [:]
        for entry in archive.entries where !strangers(entry.name) { shapes[entry.name] = entry.shape }
        self.shapes = shapes
        file = archive.path
    }

    subscript(name: String) -> [Int]? { shapes[name] }

    /// - Throws: where the tensor is absent, has another rank or an axis beyond a million.
    func demand(_ name: String, rank: Int, _ expected: String) throws(DataError) -> [Int] {
        guard let shape = shapes[name], shape.count == rank, shape.allSatisfy({ (1...1_000_000).contains($0) }) else {
            throw refused(name, "shape \(expected)", shapes[name].map { "\($0)" } ?? "no such tensor")
        }
        return shape
    }

    /// The number of numbered parts behind a prefix: `blocks.` of a network of 12 blocks gives 12.
    ///
    /// - Throws: where there is none, or more than 1024.
    func count(after prefix: String) throws(DataError) -> Int {
        let indices = Set(
            shapes.keys.filter { $0.hasPrefix(prefix) }.compactMap {
                Int($0.dropFirst(prefix.count).prefix { $0 != "." })
            })
        guard let last = indices.max(), last < 1024 else {
            throw refused(prefix, "parts 0 to n - 1, at most 1024", "\(indices.count)")
        }
        return last + 1
    }

    /// What follows a convolution, as its names tell.
    func norm(after convolution: String) -> ConvolutionNorm {
        if shapes[convolution + ".norm.running_mean"] != nil { return .batch }
        return shapes[convolution + ".norm.weight"] == nil ? .none : .layer
    }

    func refused(_ name: String, _ expected: String, _ found: String) -> DataError {
        DataError(
            .malformed, file: file, record: "'\(name)'", expected: expected, found: found,
            remedy: "check --source; dmt model info lists the tensors")
    }
}

/// The category ids of the 80 classes of COCO, in the order of their ids.
enum CocoCategories {
    private static let unused: Set<Int64> = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83]
    static let ids: [Int64] = (1...90).filter { !unused.contains($0) }

    /// The ids of a file's categories, rising.
    ///
    /// - Throws: what reading a COCO file throws.
    static func ids(inFile path: String) throws -> [Int64] {
        try CocoDataset.load(path, fields: []).categories.map(\.id).sorted()
    }

    /// The ids of a model's classes: those given, or COCO's.
    ///
    /// - Throws: `.configuration` where they are not one a class, or none are given and the classes are not 80.
    static func ids(_ given: [Int64]?, classCount: Int, file: String) throws(DataError) -> [Int64] {
        let found = given ?? ids
        guard found.count == classCount else {
            throw DataError(
                .configuration, file: file, record: "classes", expected: "\(classCount) category ids, one a class",
                found: given == nil ? "COCO's 80" : "\(found.count)",
                remedy: "name the data set whose classes they are with --categories")
        }
        return found
    }
}
