import DenseData
import Distillation
import Foundation
import SafeFiles
import TensorCore
import TestSupport
import Testing
import VisionBackbones

@testable import EvaluationHarness

@Suite struct FeatureStoreTests {
    private static let pictures = (0..<6).map { DrawnScene(seed: 5, split: "train", index: $0, size: 32).picture }

    private func teacher(_ name: String = "first", seed: UInt64 = 1) -> Teacher {
        let vit = ViTConfiguration(imageSize: 32, patchSize: 8, width: 24, depth: 2, headCount: 2, position: .sinCos)
        return Teacher(name: name, VisionTransformer(vit, seed: seed))
    }

    private func caches(
        _ folder: String, _ teacher: Teacher, _ storage: FeatureStorage = .bf16, checkpoint: String = "aa"
    ) throws -> TeacherCaches {
        try TeacherCaches(
            [teacher], pictures: Self.pictures,
            place: .folder(folder, storage: storage, checkpoints: [teacher.name: checkpoint]))
    }

    private func file(_ folder: String) throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        return "\(folder)/\(try #require(names.first { $0.hasSuffix(".features") }))"
    }

    private func tokens(_ caches: TeacherCaches, _ ids: [Int], _ view: PictureView) throws -> [Float] {
        try caches.tokens(["first"], ids: ids, views: ids.map { _ in view })[0].patches.floats()
    }

    @Test func aFileGivesTheBytesThatMemoryGives() throws {
        try withTemporaryFolder { folder in
            let teacher = teacher()
            let memory = try TeacherCaches([teacher], pictures: Self.pictures)
            try memory.fill([teacher], pictures: Self.pictures, batchSize: 4)
            let stored = try caches(folder, teacher)
            #expect(stored.need.missing == stored.need.byteCount && stored.need.missingViews == 12)
            try stored.fill([teacher], pictures: Self.pictures, batchSize: 4)
            for view in PictureView.allCases {
                #expect(try tokens(stored, [5, 0, 3], view) == tokens(memory, [5, 0, 3], view))
            }
            let size = try FileManager.default.attributesOfItem(atPath: file(folder))[.size] as? Int
            #expect(size == 4096 + stored.need.byteCount)
        }
    }

    /// A later run over some of the pictures in another order asks no teacher: this one would say something else.
    @Test func aLaterRunDoesNotAskTheTeacher() throws {
        try withTemporaryFolder { folder in
            let first = try caches(folder, teacher())
            // The file is locked while somebody may write it, and open to all readers once it is whole.
            #expect(throws: DataError.self) { try caches(folder, teacher()) }
            try first.fill([teacher()], pictures: Self.pictures)
            let (second, third) = (try caches(folder, teacher()), try caches(folder, teacher()))
            #expect(second.need.missing == 0 && third.need.missing == 0)
            #expect(try tokens(second, [1], .original) == tokens(first, [1], .original))
            withExtendedLifetime((first, third)) {}
        }
        try withTemporaryFolder { folder in
            var expected: [Float] = []
            do {
                let first = try caches(folder, teacher())
                try first.fill([teacher()], pictures: Self.pictures)
                expected = try tokens(first, [4, 2], .flipped)
            }
            let other = teacher(seed: 9)
            let some = [Self.pictures[2], Self.pictures[4]]
            let again = try TeacherCaches(
                [other], pictures: some, place: .folder(folder, storage: .bf16, checkpoints: ["first": "aa"]))
            #expect(again.need.missing == 0 && again.need.missingViews == 0)
            try again.fill([other], pictures: some)
            #expect(try tokens(again, [1, 0], .flipped) == expected)
            // Another checkpoint has a file of its own.
            #expect(try caches(folder, other, checkpoint: "bb").need.missingViews == 12)
        }
    }

    @Test func aCutRecordIsMadeAgainAndADamagedOneRefused() throws {
        try withTemporaryFolder { folder in
            var expected: [Float] = []
            do {
                let first = try caches(folder, teacher())
                try first.fill([teacher()], pictures: Self.pictures)
                expected = try tokens(first, [5], .flipped)
            }
            let path = try file(folder)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes.removeLast(10)
            try bytes.write(to: URL(fileURLWithPath: path))
            do {
                let cut = try caches(folder, teacher())
                #expect(cut.need.missingViews == 1)
                try cut.fill([teacher()], pictures: Self.pictures)
                #expect(try tokens(cut, [5], .flipped) == expected)
            }
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[4096 + 100] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            let damaged = try caches(folder, teacher())
            #expect(try tokens(damaged, [5], .flipped) == expected)
            let error = #expect(throws: DataError.self) { try tokens(damaged, [0], .original) }
            #expect(error?.kind == .malformed && error?.record == "record 0")
        }
    }

    /// One changed bit anywhere, or a cut: a damaged file is refused, at once or where its values are asked for, and what is
    /// missing at its end is known to be missing. Other values than those stored are never given.
    @Test(arguments: [FeatureStorage.bf16, .int8]) func changedBitsAndCutsAreFound(storage: FeatureStorage) throws {
        try withTemporaryFolder { folder in
            do { try caches(folder, teacher(), storage).fill([teacher()], pictures: Self.pictures) }
            let path = try file(folder)
            let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let key = FeatureStore.Key(
                teacher: "first", checkpoint: "aa", isRounded: teacher().bf16, width: 24, grid: (4, 4), storage: storage
            )
            let places = Self.pictures.flatMap { picture in
                PictureView.allCases.map { FeatureStore.Place(picture: PictureDigest(picture), view: $0) }
            }
            let stored = try FeatureStore(key, in: folder).tokens(places).patches.floats()
            /// Whether the file is not taken for a whole one.
            func isFound(_ bytes: [UInt8]) throws -> Bool {
                try AtomicFile.write(bytes, to: path, durability: .renamed)
                do throws(DataError) {
                    let store = try FeatureStore(key, in: folder)
                    if !places.allSatisfy(store.contains) { return true }
                    #expect(try store.tokens(places).patches.floats() == stored)
                    return false
                } catch { return error.kind == .malformed }
            }
            #expect(try !isFound(whole))
            for (damage, bytes) in DamagedBytes(whole) { #expect(try isFound(bytes), "\(damage)") }
        }
    }

    @Test func anotherHeaderIsRefused() throws {
        try withTemporaryFolder { folder in
            do { try caches(folder, teacher()).fill([teacher()], pictures: Self.pictures) }
            let path = try file(folder)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[20] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: DataError.self) { try caches(folder, teacher()) }
            #expect(error?.kind == .malformed && error?.file == path)
        }
    }

    /// Half a step of 1/127 of each channel's largest value, and the rounding to bfloat16 on the way out.
    @Test func eightBitsStayWithinHalfAStep() throws {
        try withTemporaryFolder { folder in
            let teacher = teacher()
            let exact = try caches(folder, teacher)
            let small = try caches(folder, teacher, .int8)
            try exact.fill([teacher], pictures: Self.pictures)
            try small.fill([teacher], pictures: Self.pictures)
            #expect(small.need.byteCount < exact.need.byteCount)
            // At full size the scales hardly count.
            let (half, eighth) = (
                FeatureRecord(width: 768, patches: 196, storage: .bf16),
                FeatureRecord(width: 768, patches: 196, storage: .int8)
            )
            #expect(half.byteCount == 302_656 && eighth.byteCount == 155_200)
            let (wanted, found) = (try tokens(exact, [1], .original), try tokens(small, [1], .original))
            for channel in 0..<24 {
                let column = stride(from: channel, to: wanted.count, by: 24)
                let largest = column.map { abs(wanted[$0]) }.max()!
                for at in column {
                    #expect(abs(wanted[at] - found[at]) <= largest * (0.5 / 127 + 3 / 512), "\(channel)")
                }
            }
        }
    }
}
