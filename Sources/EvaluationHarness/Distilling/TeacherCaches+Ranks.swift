import Communication
import DenseData
import Distillation
import ImageFiles
import SafeFiles
import TensorCore

extension TeacherCaches {
    /// Shows teachers what is missing: of each teacher, batches are dealt to the ranks in turn. Batches, and with them bytes,
    /// are those of one process.
    func fillTogether(
        _ teachers: [Teacher], _ pictures: [Picture], batchSize: Int, _ checkpoint: () throws -> Void,
        _ onBatch: (Int) -> Void
    ) throws {
        for (index, teacher) in teachers.enumerated() {
            switch sources[index].source {
            case .memory(let cache):
                let batches = DealtBatches(count: pictures.count, batchSize: batchSize, group: group)
                try batches.run(beforeRound: { _ in try checkpoint() }) { range in
                    let images = Normalisation.imageNet.batch(Array(pictures[range]))
                    return cache.views.flatMap { view in
                        let tokens = teacher.tokens(of: view(images))
                        return [Self.bytes(tokens.cls), Self.bytes(tokens.patches)]
                    }
                } take: { range, values in
                    for (place, view) in cache.views.enumerated() {
                        let tokens = Self.tokens(cache, values[2 * place], values[2 * place + 1], count: range.count)
                        cache.store(tokens, ids: Array(range), view: view)
                    }
                    onBatch(range.count)
                }
            case .file(let store):
                try fillFile(store.key, store, teacher, pictures, batchSize, checkpoint, onBatch)
                store.finishWriting()
            case .leaders(let file):
                try fillFile(file.key, nil, teacher, pictures, batchSize, checkpoint, onBatch)
                file.store = try FeatureStore(file.key, in: folder, readsOnly: true)
            }
        }
    }

    /// - Parameter store: on the leader, which says what is missing and writes it.
    private func fillFile(
        _ key: FeatureStore.Key, _ store: FeatureStore?, _ teacher: Teacher, _ pictures: [Picture], _ batchSize: Int,
        _ checkpoint: () throws -> Void, _ onBatch: (Int) -> Void
    ) throws {
        let planned = store.map { ByteRows.joined(missing(in: $0, batchSize).map(\.bytes)) } ?? []
        let batches = ByteRows.split(group.leaders(planned)).map { MissingFeatures(bytes: $0) }
        try DealtBatches(count: batches.count, batchSize: 1, group: group).run(
            beforeRound: { _ in try checkpoint() }
        ) { range in
            let batch = batches[range.lowerBound]
            let images = Normalisation.imageNet.batch(batch.ids.map { pictures[$0] })
            let tokens = teacher.tokens(of: batch.view(images))
            return [
                batch.ids.indices.flatMap { row in
                    key.layout.encoded(tokens, row: row, at: .init(picture: digests[batch.ids[row]], view: batch.view))
                }
            ]
        } take: { range, records in
            let batch = batches[range.lowerBound]
            try store?.append(records[0], of: batch.ids.map { digests[$0] }, view: batch.view)
            onBatch(batch.ids.count)
        }
        // What the leader wrote is there before others open it.
        group.barrier()
    }

    /// Batch by batch and view by view, each picture once.
    private func missing(in store: FeatureStore, _ batchSize: Int) -> [MissingFeatures] {
        var (batches, seen) = ([MissingFeatures](), Set<FeatureStore.Place>())
        for start in stride(from: 0, to: digests.count, by: batchSize) {
            for view in PictureView.allCases {
                let ids = (start..<min(start + batchSize, digests.count)).filter {
                    let place = FeatureStore.Place(picture: digests[$0], view: view)
                    return !store.contains(place) && seen.insert(place).inserted
                }
                if !ids.isEmpty { batches.append(MissingFeatures(view: view, ids: ids)) }
            }
        }
        return batches
    }

    private static func bytes(_ tensor: Tensor) -> [UInt8] {
        let rounded = tensor.converted(to: .bf16)
        defer { keepAlive(rounded.storage) }
        return Array(UnsafeRawBufferPointer(start: rounded.raw, count: rounded.byteCount))
    }

    private static func tokens(
        _ cache: TeacherFeatureCache, _ cls: [UInt8], _ patches: [UInt8], count: Int
    ) -> TeacherTokens {
        func tensor(_ bytes: [UInt8], _ shape: [Int]) -> Tensor {
            let tensor = Tensor(uninitialized: shape, .bf16)
            bytes.withUnsafeBytes { tensor.raw.copyMemory(from: $0.baseAddress!, byteCount: tensor.byteCount) }
            keepAlive(tensor.storage)
            return tensor
        }
        return TeacherTokens(
            name: cache.name, cls: tensor(cls, [count, cache.width]),
            patches: tensor(patches, [count, cache.grid.height * cache.grid.width, cache.width]), grid: cache.grid)
    }
}

/// Pictures that a teacher has to see in one view.
private struct MissingFeatures {
    var view: PictureView
    /// Places in the list of pictures.
    var ids: [Int]

    init(view: PictureView, ids: [Int]) { (self.view, self.ids) = (view, ids) }

    /// The place of the view among all, then those of the pictures: words of eight bytes.
    var bytes: [UInt8] {
        ([PictureView.allCases.firstIndex(of: view)!] + ids).flatMap { word in
            withUnsafeBytes(of: Int64(word).littleEndian) { Array($0) }
        }
    }

    /// What `bytes` gave.
    init(bytes: [UInt8]) {
        let words = bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map {
                Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)))
            }
        }
        view = PictureView.allCases[words[0]]
        ids = Array(words.dropFirst())
    }
}
