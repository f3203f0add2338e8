import Communication

/// Work in batches, dealt to the ranks in turn: of each round every rank does one batch, and all get all results in order.
///
/// Batches are the same on any number of ranks, so that a result cannot depend on it.
struct DealtBatches {
    /// Items in all.
    let count: Int
    let batchSize: Int
    let group: any Communicator
    /// Batches that an earlier process found, and where this one adds its own. Nil keeps nothing, and on ranks that follow.
    var kept: KeptBatches?

    /// Batches that are kept are taken from there; all others are worked out.
    ///
    /// - Parameters:
    ///   - beforeRound: called before each round with the number of items done, on every rank equally often.
    ///   - work: the results of a batch, in bytes, as many as it likes.
    ///   - take: gets the results of every batch in order, on every rank.
    func run(
        beforeRound: (Int) throws -> Void, work: (Range<Int>) throws -> [[UInt8]],
        take: (Range<Int>, [[UInt8]]) throws -> Void
    ) throws {
        func batch(_ number: Int) -> Range<Int> {
            min(number * batchSize, count)..<min((number + 1) * batchSize, count)
        }
        let batches = (count + batchSize - 1) / batchSize
        let known = group.leaders(kept?.count ?? 0)
        func finish(_ number: Int, _ results: [[UInt8]]) throws {
            if number >= known { try kept?.append(results) }
            try take(batch(number), results)
        }
        for first in stride(from: 0, to: batches, by: group.size) {
            try beforeRound(batch(first).lowerBound)
            let round = first..<min(first + group.size, batches)
            if round.upperBound <= known {
                for number in round {
                    let bytes = group.leaders(kept.map { ByteRows.joined($0.take(number)) } ?? [])
                    try take(batch(number), ByteRows.split(bytes))
                }
                continue
            }
            let mine = batch(first + group.rank)
            let results = mine.isEmpty ? [] : try work(mine)
            if group.size == 1 {
                try finish(first, results)
                continue
            }
            for (place, bytes) in group.gather(ByteRows.joined(results)).enumerated() where first + place < batches {
                try finish(first + place, ByteRows.split(bytes))
            }
        }
    }
}

/// Byte strings one after the other, each after its length in eight bytes.
enum ByteRows {
    static func joined(_ rows: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows.reduce(0) { $0 + $1.count + 8 })
        for row in rows {
            withUnsafeBytes(of: UInt64(row.count).littleEndian) { bytes += $0 }
            bytes += row
        }
        return bytes
    }

    /// - Precondition: what `joined` made.
    static func split(_ bytes: [UInt8]) -> [[UInt8]] {
        var (rows, at) = ([[UInt8]](), 0)
        while at < bytes.count {
            let length = bytes.withUnsafeBytes {
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            }
            rows.append(Array(bytes[at + 8..<at + 8 + Int(length)]))
            at += 8 + Int(length)
        }
        return rows
    }
}
