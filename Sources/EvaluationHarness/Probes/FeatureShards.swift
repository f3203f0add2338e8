import CheckpointIO
import Determinism
import SafeFiles
import TensorCore

/// Frozen features of a list of inputs, `shardSize` inputs at a time: each is computed once in the life of its folder.
///
/// With a folder, a shard that lies there is read instead of computed, and a computed one is written there whole or not
/// at all; so an interrupted pass goes on where it stopped. The folder's name is the hash of the key, and each file
/// repeats the key and has a checksum over all of its bytes.
final class FeatureShards {
    static let shardSize = 64

    let count: Int
    /// Everything that the features depend on, in words; empty without a folder.
    let key: String
    private let folder: String?
    private let compute: (Range<Int>) throws -> Tensor
    /// Shards whose bytes are known to be whole.
    private var checked: Set<Int> = []

    /// - Parameters:
    ///   - folder: nil computes every time.
    ///   - key: asked only with a folder: it reads and hashes files.
    ///   - compute: features `(n, R, C)` of a range of inputs.
    init(
        count: Int, folder: String?, key: () throws -> String, compute: @escaping (Range<Int>) throws -> Tensor
    ) throws {
        self.count = count
        self.compute = compute
        guard let folder else {
            self.folder = nil
            self.key = ""
            return
        }
        let key = try key()
        self.key = key
        var hash = SHA256()
        hash.update("sealed; \(key)")
        let own = "\(folder)/\(hash.hex().prefix(16))"
        try Folder.create(own)
        self.folder = own
    }

    var isStored: Bool { folder != nil }
    var shardCount: Int { (count + Self.shardSize - 1) / Self.shardSize }

    func inputs(of shard: Int) -> Range<Int> {
        shard * Self.shardSize..<min((shard + 1) * Self.shardSize, count)
    }

    /// The features of a shard's inputs.
    ///
    /// - Throws: `DataError` for a picture that cannot be read, features that are not finite, a damaged shard.
    func features(of shard: Int) throws -> Tensor {
        if let file = try open(shard) { return try read(file, shard) }
        let tensor = try compute(inputs(of: shard))
        guard tensor.isFinite else {
            throw DataError(
                .malformed, file: "backbone", record: "pictures \(inputs(of: shard))", expected: "finite features",
                found: "NaN or infinity", remedy: "check the checkpoint's weights")
        }
        if folder != nil {
            try SealedFile.write([Self.name: tensor], metadata: ["features": key], to: path(shard))
            checked.insert(shard)
        }
        return tensor
    }

    /// The file of a shard, computed first where it is not there; only with a folder.
    func file(of shard: Int) throws -> SafetensorsFile {
        if let file = try open(shard) { return file }
        _ = try features(of: shard)
        return try SafetensorsFile(path: path(shard))
    }

    static let name = "features"

    private func path(_ shard: Int) -> String {
        let number = String(shard)
        return "\(folder ?? ".")/\(String(repeating: "0", count: max(0, 5 - number.count)))\(number).safetensors"
    }

    private func open(_ shard: Int) throws(DataError) -> SafetensorsFile? {
        guard folder != nil, FileBytes.exists(path(shard)) else { return nil }
        if !checked.contains(shard) { try check(shard) }
        let file = try SafetensorsFile(path: path(shard))
        let entry = try file.entry(Self.name)
        let found = file.header.metadata["features"]
        guard found == key, entry.type == .f32, entry.shape.count == 3, entry.shape[0] == inputs(of: shard).count else {
            throw DataError(
                .malformed, file: path(shard), expected: "features of '\(key)'",
                found: "'\(found ?? "nothing")', shape \(entry.shape)",
                remedy: "remove the folder; the features are computed again")
        }
        return file
    }

    private func check(_ shard: Int) throws(DataError) {
        do { try SealedFile.check(path(shard)) } catch {
            var failure = error
            if error.kind == .malformed { failure.remedy = "remove the file; the features are computed again" }
            throw failure
        }
        checked.insert(shard)
    }

    private func read(_ file: SafetensorsFile, _ shard: Int) throws(DataError) -> Tensor {
        let tensor = Tensor(uninitialized: try file.entry(Self.name).shape)
        try file.read(Self.name, into: UnsafeMutableRawBufferPointer(start: tensor.raw, count: tensor.byteCount))
        return tensor
    }
}
