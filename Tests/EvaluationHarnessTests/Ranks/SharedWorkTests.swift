import Communication
import DenseData
import Distillation
import Foundation
import SafeFiles
import Synchronization
import TestSupport
import Testing
import VisionBackbones

@testable import EvaluationHarness

@Suite struct SharedWorkTests {
    @Test func partsAreSharedEqually() throws {
        let found = try ThreadedRanks.run(2) { group in
            let places = try BatchPlaces(batch: 12, parts: 3, group)
            return [places.places, Array(places.range(of: 2)), [places.count]]
        }
        #expect(found == [[[0, 1, 4, 5, 8, 9], [4, 5], [2]], [[2, 3, 6, 7, 10, 11], [4, 5], [2]]])
        let alone = try BatchPlaces(batch: 5, SingleProcess())
        #expect(alone.places == [0, 1, 2, 3, 4] && alone.range(of: 0) == 0..<5)
        for error in try ThreadedRanks.run(3, { group in "\(Result { try BatchPlaces(batch: 32, group) })" }) {
            #expect(error.contains("multiple of the 3 ranks") && error.contains("training.batch"))
        }
    }

    @Test func batchesReachEveryRankInOrder() throws {
        for size in 1...4 {
            for count in [0, 1, 7, 16] {
                let found = try ThreadedRanks.run(size) { group in
                    var (taken, rounds, worked) = ([String](), 0, 0)
                    try DealtBatches(count: count, batchSize: 3, group: group).run { _ in
                        rounds += 1
                    } work: { range in
                        worked += 1
                        // As many results as the items say, none for some.
                        return range.filter { $0 % 4 != 1 }.map { Array("item \($0)".utf8) }
                    } take: { range, results in
                        taken.append("\(range): \(results.map { String(decoding: $0, as: UTF8.self) })")
                    }
                    return (taken, rounds, worked)
                }
                let batches = (count + 2) / 3
                #expect(found.allSatisfy { $0.0 == found[0].0 && $0.1 == found[0].1 })
                #expect(found.reduce(0) { $0 + $1.2 } == batches && found[0].0.count == batches)
                #expect(found[0].1 == (batches + size - 1) / size)
            }
        }
    }

    @Test func byteRowsComeBack() {
        for rows: [[UInt8]] in [[], [[]], [[1], [], [2, 3]]] { #expect(ByteRows.split(ByteRows.joined(rows)) == rows) }
    }

    /// Two ranks make a cache in memory, and a file, as one process does.
    @Test func ranksFillCachesAsOneProcessDoes() throws {
        let pictures = (0..<7).map { DrawnScene(seed: 5, split: "train", index: $0 % 6, size: 32).picture }
        @Sendable func teacher() -> Teacher {
            let vit = ViTConfiguration(
                imageSize: 32, patchSize: 8, width: 24, depth: 2, headCount: 2, position: .sinCos)
            return Teacher(name: "first", VisionTransformer(vit, seed: 1))
        }
        @Sendable func values(_ place: FeaturePlace, _ group: any Communicator) throws -> [Float] {
            let caches = try TeacherCaches([teacher()], pictures: pictures, place: place, group: group)
            let before = caches.need.missingViews
            try caches.fill([teacher()], pictures: pictures, batchSize: 2)
            let views: [PictureView] = [.original, .flipped, .flipped, .original]
            let tokens = try caches.tokens(["first"], ids: [6, 0, 3, 2], views: views)[0]
            // The file stays open, and locked, until all have read it.
            group.barrier()
            return tokens.cls.floats() + tokens.patches.floats() + [Float(before)]
        }
        func file(_ folder: String) throws -> Data {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            return try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(try #require(names.first))"))
        }
        let memory = try values(.memory, SingleProcess())
        for found in try ThreadedRanks.run(3, { try values(.memory, $0) }) { #expect(found == memory) }
        for storage in FeatureStorage.allCases {
            try withTemporaryFolder { folder in
                let places = ["alone", "shared"].map {
                    FeaturePlace.folder("\(folder)/\($0)", storage: storage, checkpoints: ["first": "aa"])
                }
                let alone = try values(places[0], SingleProcess())
                for found in try ThreadedRanks.run(3, { try values(places[1], $0) }) { #expect(found == alone) }
                #expect(try file("\(folder)/alone") == file("\(folder)/shared"))
            }
        }
    }

    @Test func aSignalOnOneRankStopsAll() throws {
        let found = try ThreadedRanks.run(3) { group in
            var options = CommandSession.Options()
            options.isQuiet = true
            let interrupt = Interrupt()
            let session = try CommandSession(options, interrupt: interrupt, group: group)
            let before = session.isAskedToStop()
            if group.rank == 1 { interrupt.raise(15) }
            let after = session.isAskedToStop()
            return "\(before) \(after) \(interrupt.signalNumber ?? 0)"
        }
        #expect(found == [String](repeating: "false true 15", count: 3))
    }

    @Test func refusalsSayWhatToDo() {
        let verb = FailureReport(RanksRefused(ranks: 4, reason: .verb("score")))
        #expect(verb.exitCode == 64 && verb.text.contains("4 ranks") && verb.text.contains("dmt score"))
        let build = FailureReport(RanksRefused(ranks: nil, reason: .build))
        #expect(build.exitCode == 64 && build.text.contains("swift build --traits MPI"))
    }
}
