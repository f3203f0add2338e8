import DenseMetrics
import ImageFiles
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct YoloImportTests {
    private let truth = ["a.txt": "0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.2 0.2\n", "c.txt": "1 0.5 0.5 0.8 0.8\n"]

    /// Three pictures, the second without objects; predictions are the truth with scores, or what is given.
    private func withFiles(
        predictions: [String: String]? = nil, _ body: (_ folder: String, _ options: CocoScoring.Options) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            try Folder.create(folder + "/images")
            for name in ["a", "b", "c"] {
                let picture = Picture(height: 40, width: 60, pixels: [UInt8](repeating: 9, count: 7200))
                try AtomicFile.write(PNGFile.encode(picture), to: "\(folder)/images/\(name).png")
            }
            try Folder.create(folder + "/gt")
            try Folder.create(folder + "/dt")
            for (name, text) in truth { try write(text, to: "\(folder)/gt/\(name)") }
            let found = predictions ?? truth.mapValues { $0.replacing("\n", with: " 0.9\n") }
            for (name, text) in found { try write(text, to: "\(folder)/dt/\(name)") }
            var options = CocoScoring.Options()
            options.pictures = folder + "/images"
            try body(folder, options)
        }
    }

    private func score(_ folder: String, _ options: CocoScoring.Options) throws -> CocoScore {
        try CocoScoring.run(gt: folder + "/gt", dt: folder + "/dt", iouType: .box, options: options)
    }

    @Test func theTruthItselfIsPerfect() throws {
        try withFiles { folder, options in
            var options = options
            options.classNames = ["cat", "dog"]
            options.perClass = true
            let score = try score(folder, options)
            #expect(abs(score.summary.stats[0] - 1) < 1e-12)
            #expect(score.names == [0: "cat", 1: "dog"] && score.perClass.count == 2)
        }
    }

    @Test func missedAndInventedObjectsCount() throws {
        try withFiles(predictions: ["b.txt": "1 0.5 0.5 0.5 0.5 0.99\n", "a.txt": "1 0.25 0.25 0.2 0.2 0.9\n"]) {
            folder, options in
            // Class 0 is missed; of class 1 a false positive stands before the one of two that is found.
            let expected = (0 + 0.5 * 51 / 101) / 2
            let found = try score(folder, options).summary.stats[0]
            #expect(abs(found - expected) < 1e-12)
        }
    }

    @Test func textFilesWithoutPicturesAndFoldersWithoutSizesAreRefused() throws {
        try withFiles(predictions: ["d.txt": "0 0.5 0.5 0.5 0.5 1\n"]) { folder, options in
            let error = #expect(throws: DataError.self) { try score(folder, options) }
            #expect(error?.description.contains("d.txt") == true)
            var options = options
            options.pictures = nil
            #expect(throws: DataError.self) { try score(folder, options) }
            options.pictures = folder + "/gt"
            #expect(throws: DataError.self) { try score(folder, options) }
        }
    }
}
