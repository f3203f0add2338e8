import Determinism
import ImageFiles
import SafeFiles

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What identifies a data set in a run record.
public struct DatasetInfo: Codable, Sendable, Equatable {
    public var name, split: String
    /// Class names in the order of training labels 0, 1, …
    public var classes: [String]
    /// The label that no loss and no metric counts.
    public var ignoreLabel: UInt16?

    public init(name: String, split: String, classes: [String], ignoreLabel: UInt16? = nil) {
        self.name = name
        self.split = split
        self.classes = classes
        self.ignoreLabel = ignoreLabel
    }
}

/// A data set: a fixed, ordered list of samples.
public protocol DatasetLoader: Sendable {
    associatedtype Sample: Sendable
    var info: DatasetInfo { get }
    var count: Int { get }
    /// The sample's name: its picture's path below the picture folder.
    func name(at index: Int) -> String
    /// Pure: the same index gives the same sample, in any order, from any thread.
    func sample(at index: Int) throws(DataError) -> Sample
    /// Every file the data set consists of, for its hash.
    func files() throws(DataError) -> [String]
    /// Everything wrong with the data set, in order; reads every file.
    func findings() -> [Finding]
}

extension DatasetLoader {
    /// SHA-256, in 64 hexadecimal digits, of the list of (file name, size, SHA-256 of the content), in the order of `files`.
    ///
    /// Reads every file once.
    public func contentHash() throws(DataError) -> String { try ContentHash.of(files()) }
}

/// One defect of a data set.
public struct Finding: Codable, Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// The record in the file: an annotation, a pixel, a line.
    public var record: String?
    public var problem: String

    public init(file: String, record: String? = nil, problem: String) {
        self.file = file
        self.record = record
        self.problem = problem
    }

    public init(_ error: DataError) {
        self.init(file: error.file, record: error.record, problem: "expected \(error.expected), found \(error.found)")
    }

    public var description: String { "\(file)\(record.map { ", \($0)" } ?? ""): \(problem)" }

    /// Runs a check for each index in parallel; findings come in index order.
    static func collect(_ count: Int, _ check: (Int) -> [Finding]) -> [Finding] {
        Ordered.map(count, check).flatMap { $0 }
    }
}

/// Parallel maps whose results come in index order.
enum Ordered {
    static func map<Value>(_ count: Int, _ body: (Int) -> Value) -> [Value] {
        [Value](unsafeUninitializedCapacity: count) { buffer, filled in
            let base = buffer.baseAddress
            Parallel.forEach(count) { index in (base! + index).initialize(to: body(index)) }
            filled = count
        }
    }
}

/// The hash of a set of files.
public enum ContentHash {
    /// - Parameters:
    ///   - files: paths; only the part after their longest common folder enters the hash, so a data set may move.
    public static func of(_ files: [String]) throws(DataError) -> String {
        let digests = Ordered.map(files.count) { index in
            Result { () throws(DataError) -> String in
                var hash = SHA256()
                var size = 0
                try FileBytes.forEachPiece(of: files[index]) { piece in
                    hash.update(piece)
                    size += piece.count
                }
                return "\(size)\t\(hash.hex())\n"
            }
        }
        // However a path was written, from the root it is one.
        let paths = files.map { file in
            guard let real = realpath(file, nil) else { return file }
            defer { free(real) }
            return String(cString: real)
        }
        let shared = commonFolder(paths)
        var hash = SHA256()
        for (path, digest) in zip(paths, digests) {
            hash.update("\(path.dropFirst(shared))\t")
            hash.update(try digest.get())
        }
        return hash.hex()
    }

    /// The length of the longest shared prefix that ends in a slash.
    private static func commonFolder(_ files: [String]) -> Int {
        guard let first = files.first else { return 0 }
        var shared = Array(first)
        for file in files.dropFirst() {
            let same = zip(shared, file).prefix { $0 == $1 }.count
            shared.removeLast(shared.count - same)
        }
        return (shared.lastIndex(of: "/") ?? -1) + 1
    }
}
