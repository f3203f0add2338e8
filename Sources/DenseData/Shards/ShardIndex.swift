import ImageFiles
import SafeFiles

/// Where the pictures of some tar archives lie, and their classes: 28 bytes and a name a sample.
struct ShardIndex: Sendable {
    private let shards: [String]
    private var shardOf: [Int32] = []
    private var offsets: [Int64] = []
    private var sizes: [UInt32] = []
    private var labels: [Int32] = []
    private var nameBytes: [UInt8] = []
    private var nameEnds: [Int] = []

    /// Reads the headers of every archive once.
    ///
    /// - Throws: the error of the first archive that has one, in the order given; `.malformed` for a key that two archives
    ///   have.
    init(_ shards: [String], labels: ShardSamples.Labels, limits: ImageLimits) throws(DataError) {
        self.shards = shards
        let parts = Ordered.map(shards.count) { place in
            Result { () throws(DataError) -> ShardSamples in
                try ShardSamples(shards[place], labels: labels, maxPictureBytes: limits.maxFileBytes)
            }
        }
        for (place, part) in parts.enumerated() {
            for sample in try part.get().samples { append(sample, shard: place) }
        }
        try demandDifferentKeys()
    }

    /// Some samples of another index, in the order given.
    private init(_ other: ShardIndex, _ chosen: [Int]) {
        shards = other.shards
        for index in chosen {
            let sample = ShardSamples.Sample(
                name: other.name(at: index), offset: Int(other.offsets[index]), size: Int(other.sizes[index]),
                label: other.label(at: index))
            append(sample, shard: Int(other.shardOf[index]))
        }
    }

    private mutating func append(_ sample: ShardSamples.Sample, shard: Int) {
        shardOf.append(Int32(shard))
        offsets.append(Int64(sample.offset))
        sizes.append(UInt32(sample.size))
        labels.append(Int32(sample.label))
        nameBytes += sample.name.utf8
        nameEnds.append(nameBytes.count)
    }

    var count: Int { offsets.count }
    func shard(at index: Int) -> String { shards[Int(shardOf[index])] }
    /// -1 where labels were not asked for.
    func label(at index: Int) -> Int { Int(labels[index]) }
    /// The picture's member.
    func name(at index: Int) -> String { String(decoding: nameRange(index), as: UTF8.self) }
    /// Archives with a sample, in order.
    var files: [String] {
        let used = Set(shardOf)
        return shards.indices.filter { used.contains(Int32($0)) }.map { shards[$0] }
    }
    var largestLabel: Int { Int(labels.max() ?? -1) }

    /// The samples that a list names.
    func restricted(to list: (file: String, names: [String])?) throws(DataError) -> ShardIndex {
        guard let list else { return self }
        return ShardIndex(self, try ImageList.restrict((0..<count).map(name), to: list.names, file: list.file))
    }

    /// Hands the picture's bytes, and a name for them that no other picture has, to whoever decodes them; an error names
    /// archive and member.
    func decoding<Value>(
        _ index: Int, _ decode: (_ key: String, _ read: () throws(DataError) -> [UInt8]) throws(DataError) -> Value
    ) throws(DataError) -> Value {
        let (shard, name) = (shard(at: index), name(at: index))
        let (offset, size) = (Int(offsets[index]), Int(sizes[index]))
        do throws(DataError) {
            return try decode("\(shard), member \(name)") { () throws(DataError) -> [UInt8] in
                try OpenFile(shard).read(at: offset, count: size)
            }
        } catch {
            throw DataError(
                error.kind, file: shard, record: "member \(name)", expected: error.expected, found: error.found,
                remedy: error.remedy)
        }
    }

    private func nameRange(_ index: Int) -> ArraySlice<UInt8> {
        nameBytes[(index == 0 ? 0 : nameEnds[index - 1])..<nameEnds[index]]
    }

    /// The name without its ending, which has no dot.
    private func key(_ index: Int) -> ArraySlice<UInt8> {
        let name = nameRange(index)
        return name[..<(name.lastIndex(of: UInt8(ascii: ".")) ?? name.endIndex)]
    }

    /// Sorts hashes in place of keys; keys of one hash are compared.
    private func demandDifferentKeys() throws(DataError) {
        var hashes: [(hash: UInt64, index: Int32)] = []
        hashes.reserveCapacity(count)
        for index in 0..<count {
            let hash = key(index).reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            hashes.append((hash, Int32(index)))
        }
        hashes.sort { ($0.hash, $0.index) < ($1.hash, $1.index) }
        var start = 0
        while start < hashes.count {
            var end = start + 1
            while end < hashes.count, hashes[end].hash == hashes[start].hash { end += 1 }
            var seen: [[UInt8]: Int] = [:]
            for place in start..<end where end - start > 1 {
                let second = Int(hashes[place].index)
                guard let first = seen.updateValue(second, forKey: Array(key(second))) else { continue }
                throw DataError(
                    .malformed, file: shard(at: second), record: "member \(name(at: second))",
                    expected: "each key once",
                    found: "\(name(at: first)) in \(shard(at: first))",
                    remedy: "write the archives again, with a key of its own for each sample")
            }
            start = end
        }
    }
}
