import DenseData
import Geometry
import ImageFiles
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct LoaderBenchmarkTests {
    private func folder(_ temporary: String, _ files: [(String, [UInt8])]) throws -> String {
        let path = "\(temporary)/pictures"
        try Folder.create(path)
        for (name, bytes) in files { try AtomicFile.write(bytes, to: "\(path)/\(name)", durability: .renamed) }
        return path
    }

    private func jpeg(_ height: Int, _ width: Int) -> [UInt8] {
        var picture = Picture(height: height, width: width)
        for n in picture.pixels.indices { picture.pixels[n] = UInt8((n * 7 + n / 100) % 256) }
        return JPEGFile.encode(picture, quality: 90)
    }

    @Test(arguments: [false, true]) func theContractHolds(isScaled: Bool) throws {
        try withTemporaryFolder { temporary in
            let path = try folder(temporary, [("a.jpg", jpeg(70, 90)), ("b.jpg", jpeg(40, 33))])
            var calls = 0
            let benchmark = try LoaderBenchmark(folder: path, size: 28, isScaled: isScaled, passes: 3)
            let timing = try benchmark.run { calls += 1 }
            #expect(calls == 4 && timing.secondsPerPass.count == 3 && timing.secondsPerPass.allSatisfy { $0 > 0 })
            #expect(timing.imagesPerSecond == 2 / timing.secondsPerPass.sorted()[1])
            let document = timing.json
            #expect(document["schema_version"]?.int == 1 && document["pictures"]?.int == 2)
            for key in ["images_per_second", "mean_kib", "mean_megapixels"] {
                #expect(try #require(document[key]?.double) > 0, "\(key)")
            }
            let shares = try ["decode", "resize", "normalise"].map { try #require(document["shares"]?[$0]?.double) }
            #expect(abs(shares.reduce(0, +) - 1) < 1e-9, "\(shares)")
            #expect(document["filter"] == .string("bilinear-antialiased") && document["scaled"] == .bool(isScaled))
        }
    }

    /// What is timed is the usual view, exact unless scaled; a small picture stays exact even then.
    @Test func theViewIsTheUsualOne() throws {
        try withTemporaryFolder { temporary in
            let path = try folder(temporary, [("a.jpg", jpeg(70, 90)), ("b.jpg", jpeg(40, 33))])
            let exact = try LoaderBenchmark(folder: path, size: 28)
            let scaled = try LoaderBenchmark(folder: path, size: 28, isScaled: true)
            for (place, file) in exact.pictures.enumerated() {
                let whole = try PictureFile.load(file.file)
                let view = Framing(
                    of: ImageSize(height: whole.height, width: whole.width), shortSide: 32, centreCrop: 28
                )
                .picture(whole, filter: .bilinearAntialiased)
                #expect(try exact.view(file) == view)
                let quick = try scaled.view(file)
                #expect((quick.height, quick.width) == (28, 28) && (quick == view) == (place == 1))
            }
        }
    }

    @Test func badInputIsNamed() throws {
        try withTemporaryFolder { temporary in
            let cases: [(files: [(String, [UInt8])]?, kind: DataError.Kind)] = [
                (nil, .missing), ([], .missing), ([("a.jpg", Array("no picture".utf8))], .malformed),
                ([("a.jpg", PNGFile.encode(Picture(height: 4, width: 4)))], .malformed),
                ([("a.jpg", Array(jpeg(300, 300).prefix(2000)))], .malformed),
            ]
            for (number, entry) in cases.enumerated() {
                let path = try entry.files.map { try folder("\(temporary)/\(number)", $0) } ?? "\(temporary)/absent"
                let error = #expect(throws: DataError.self) { try LoaderBenchmark(folder: path, passes: 1).run() }
                #expect(error?.kind == entry.kind, "case \(number)")
            }
        }
    }
}
