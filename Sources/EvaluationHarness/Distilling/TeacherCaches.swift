import Communication
import DenseData
import Determinism
import Distillation
import Glibc
import ImageFiles
import SafeFiles
import TensorCore

/// Where the tokens of teachers are kept.
public enum FeaturePlace: Sendable {
    case memory
    /// A file a teacher in this folder, found again by later runs.
    ///
    /// - Parameter checkpoints: SHA-256 of each teacher's checkpoint, by the teacher's name.
    case folder(String, storage: FeatureStorage, checkpoints: [String: String])
}

/// Tokens of several teachers for the fixed views of a list of pictures: each teacher sees a picture once a view, and not
/// at all where a file of features has it.
public struct TeacherCaches {
    enum Source {
        case memory(TeacherFeatureCache)
        case file(FeatureStore)
        case leaders(LeadersFile)
    }

    /// A file that the leader writes, on another rank: opened when it is whole.
    final class LeadersFile {
        let key: FeatureStore.Key
        var store: FeatureStore?

        init(_ key: FeatureStore.Key) { self.key = key }
    }

    private(set) var sources: [(teacher: String, source: Source)] = []
    /// Of each picture, where files are kept.
    let digests: [PictureDigest]
    /// The folder of files.
    let folder: String
    /// The ranks that make and use the tokens together.
    let group: any Communicator

    /// Bytes of memory or disk for these pictures and teachers, and how many of them are missing, without filling anything.
    public struct Need: Sendable, Equatable {
        public var byteCount = 0
        public var missing = 0
        /// Views of pictures that teachers have to see.
        public var missingViews = 0
    }
    public let need: Need

    /// Opens the caches; `fill` makes what is missing.
    ///
    /// - Parameter group: the ranks that share the work. Each holds all of a cache in memory; a folder is one that all reach,
    ///   and the leader alone writes it.
    public init(
        _ teachers: [Teacher], pictures: [Picture], place: FeaturePlace = .memory,
        group: any Communicator = SingleProcess()
    ) throws(DataError) {
        self.group = group
        var need = Need()
        guard case .folder(let folder, let storage, let checkpoints) = place else {
            (digests, folder) = ([], "")
            for teacher in teachers {
                let cache = TeacherFeatureCache(
                    name: teacher.name, width: teacher.width, grid: Self.grid(teacher, pictures),
                    sampleIDs: Array(pictures.indices))
                need.byteCount += cache.byteCount
                need.missing += cache.byteCount
                need.missingViews += pictures.count * PictureView.allCases.count
                sources.append((teacher.name, .memory(cache)))
            }
            self.need = need
            return
        }
        self.folder = folder
        digests = [PictureDigest](unsafeUninitializedCapacity: pictures.count) { digests, count in
            nonisolated(unsafe) let digests = digests
            Parallel.forEach(pictures.count) { digests.initializeElement(at: $0, to: PictureDigest(pictures[$0])) }
            count = pictures.count
        }
        for teacher in teachers {
            let key = FeatureStore.Key(
                teacher: teacher.name, checkpoint: checkpoints[teacher.name] ?? "", isRounded: teacher.bf16,
                width: teacher.width, grid: Self.grid(teacher, pictures), storage: storage)
            guard group.isLeader else {
                sources.append((teacher.name, .leaders(LeadersFile(key))))
                continue
            }
            let store = try FeatureStore(key, in: folder)
            let wanted = Set(
                digests.flatMap { digest in PictureView.allCases.map { FeatureStore.Place(picture: digest, view: $0) } }
            )
            let missing = wanted.filter { !store.contains($0) }.count
            need.byteCount += wanted.count * key.layout.byteCount
            need.missing += missing * key.layout.byteCount
            need.missingViews += missing
            if missing == 0 { store.finishWriting() }
            sources.append((teacher.name, .file(store)))
        }
        let numbers = group.sums([need.byteCount, need.missing, need.missingViews].map(Double.init)).map { Int($0) }
        self.need = Need(byteCount: numbers[0], missing: numbers[1], missingViews: numbers[2])
        let free = Self.freeBytes(folder)
        guard self.need.missing < free else {
            throw DataError(
                .diskFull, file: folder, expected: "\(self.need.missing >> 20) MiB for features",
                found: "\(free >> 20) MiB free", remedy: "free some disk space, or store them as int8")
        }
    }

    /// Shows teachers what is missing.
    ///
    /// - Parameter onBatch: called with the number of pictures that a teacher has just seen in every view.
    public func fill(
        _ teachers: [Teacher], pictures: [Picture], batchSize: Int = 64, checkpoint: () throws -> Void = {},
        onBatch: (Int) -> Void = { _ in }
    ) throws {
        if group.size > 1 {
            return try fillTogether(teachers, pictures, batchSize: batchSize, checkpoint, onBatch)
        }
        for (teacher, (_, source)) in zip(teachers, sources) {
            for start in stride(from: 0, to: pictures.count, by: batchSize) {
                try checkpoint()
                let ids = Array(start..<min(start + batchSize, pictures.count))
                switch source {
                case .memory(let cache):
                    cache.fill(from: teacher, images: Normalisation.imageNet.batch(ids.map { pictures[$0] }), ids: ids)
                case .file(let store): try fill(store, from: teacher, pictures, ids)
                case .leaders: preconditionFailure("a leader's file in one process")
                }
                onBatch(ids.count)
            }
            if case .file(let store) = source { store.finishWriting() }
        }
    }

    private func fill(_ store: FeatureStore, from teacher: Teacher, _ pictures: [Picture], _ ids: [Int]) throws {
        for view in PictureView.allCases {
            var (missing, seen) = ([Int](), Set<PictureDigest>())
            for id in ids where !store.contains(.init(picture: digests[id], view: view)) {
                if seen.insert(digests[id]).inserted { missing.append(id) }
            }
            if missing.isEmpty { continue }
            let images = Normalisation.imageNet.batch(missing.map { pictures[$0] })
            try store.append(teacher.tokens(of: view(images)), of: missing.map { digests[$0] }, view: view)
        }
    }

    /// The tokens of a batch from the named teachers; sample `i` in `views[i]`.
    ///
    /// - Throws: `.malformed` where a file of features is damaged.
    func tokens(_ names: [String], ids: [Int], views: [PictureView]) throws(DataError) -> [TeacherTokens] {
        var result: [TeacherTokens] = []
        for name in names {
            switch sources.first(where: { $0.teacher == name })!.source {
            case .memory(let cache): result.append(cache.tokens(ids: ids, views: views))
            case .file(let store): result.append(try store.tokens(places(ids, views)))
            case .leaders(let file):
                guard let store = file.store else { preconditionFailure("features of \(name) before they were filled") }
                result.append(try store.tokens(places(ids, views)))
            }
        }
        return result
    }

    private func places(_ ids: [Int], _ views: [PictureView]) -> [FeatureStore.Place] {
        zip(ids, views).map { .init(picture: digests[$0], view: $1) }
    }

    private static func grid(_ teacher: Teacher, _ pictures: [Picture]) -> (height: Int, width: Int) {
        let patch = teacher.backbone.patchSize
        return (height: pictures[0].height / patch, width: pictures[0].width / patch)
    }

    private static func freeBytes(_ folder: String) -> Int {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return .max }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }
}
