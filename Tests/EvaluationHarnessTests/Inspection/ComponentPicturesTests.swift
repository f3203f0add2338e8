import CheckpointIO
import Determinism
import Distillation
import Foundation
import ImageFiles
import SafeFiles
import TensorCore
import Testing

@testable import EvaluationHarness

@Suite(.serialized) struct ComponentPicturesTests {
    private static let width = 6

    /// Rows about a mean, with variance falling from channel to channel.
    private func rows(_ count: Int, key: UInt64 = 1) -> [Float] {
        var stream = RandomStream(seed: 4, purpose: "principal components test", key)
        return (0..<count).flatMap { _ in
            (0..<Self.width).map { Float(stream.normal() * pow(0.5, Double($0)) + Double($0)) }
        }
    }

    @Test func componentsAreTheEigenvectors() throws {
        let found = try #require(PrincipalComponents([rows(300), rows(200, key: 2)], width: Self.width))
        let all = (rows(300) + rows(200, key: 2)).map(Double.init)
        let n = 500
        let mean = (0..<Self.width).map { c in (0..<n).reduce(0.0) { $0 + all[$1 * Self.width + c] } / Double(n) }
        for (vector, variance) in zip(found.vectors, found.variances) {
            // C v = λ v, by the definition of the covariance.
            for i in 0..<Self.width {
                var product = 0.0
                for row in 0..<n {
                    let centred = (0..<Self.width).map { all[row * Self.width + $0] - mean[$0] }
                    product += centred[i] * zip(centred, vector).reduce(0) { $0 + $1.0 * $1.1 } / Double(n - 1)
                }
                #expect(abs(product - variance * vector[i]) < 1e-9)
            }
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-12)
        }
        #expect(found.variances[0] > found.variances[1] && found.variances[1] > found.variances[2])
    }

    @Test func signsDependOnNeitherOrderNorMirroring() throws {
        let given = rows(100)
        let found = try #require(PrincipalComponents([given], width: Self.width))
        let reversed = stride(from: 99, through: 0, by: -1).flatMap { given[$0 * Self.width..<($0 + 1) * Self.width] }
        let mirrored = given.map { -$0 }
        for other in [Array(reversed), mirrored] {
            let again = try #require(PrincipalComponents([other], width: Self.width))
            for (a, b) in zip(found.vectors.flatMap(\.self), again.vectors.flatMap(\.self)) {
                #expect(abs(a - b) < 1e-6)
            }
        }
        for vector in found.vectors { #expect(vector.max { abs($0) < abs($1) }! > 0) }
    }

    @Test func aPartOfTheRowsCounts() throws {
        let given = rows(80)
        let half = try #require(PrincipalComponents([given], width: Self.width) { _, row in row < 40 })
        let own = try #require(PrincipalComponents([Array(given.prefix(40 * Self.width))], width: Self.width))
        #expect(half == own)
        #expect(PrincipalComponents([given], width: Self.width) { _, row in row == 0 } == nil)
    }

    @Test func aBasisComesBackFromItsFile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/basis.safetensors"
            let basis = try ComponentBasis([rows(50)], width: Self.width, foreground: .low, file: "x")
            try basis.write(["dmt.size": "16"], to: path)
            let (read, metadata) = try ComponentBasis.load(path, width: Self.width)
            #expect(read.all == basis.all && read.foreground?.components == basis.foreground?.components)
            #expect(read.foreground?.side == .low && metadata["dmt.size"] == "16")
            #expect(throws: DataError.self) { try ComponentBasis.load(path, width: 7) }
            try write("no basis", to: folder + "/text")
            #expect(throws: DataError.self) { try ComponentBasis.load(folder + "/text", width: Self.width) }
        }
    }

    private func pictures(_ folder: String) throws -> [String: Data] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)"))) })
    }

    @Test func theSameBytesAtOneThreadAndTwoAndFromTheBasis() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            var pictures = ComponentPictures(
                checkpoint: try fixture.checkpoint("timm"), images: fixture.images, out: folder + "/one")
            pictures.source = .timm
            pictures.size = 32
            let before = Parallel.threadCount
            defer { Parallel.setThreadCount(before) }
            Parallel.setThreadCount(1)
            _ = try pictures.run(fixture.session())
            Parallel.setThreadCount(2)
            pictures.out = folder + "/two"
            _ = try pictures.run(fixture.session())
            let one = try self.pictures(folder + "/one")
            #expect(one.keys.sorted() == ["a.png", "b.png", "basis.safetensors", "c.png"])
            #expect(one == (try self.pictures(folder + "/two")))
            // The basis of these pictures on these pictures, and fitting on the folder by name, change nothing.
            pictures.out = folder + "/three"
            pictures.basis = folder + "/one/basis.safetensors"
            _ = try pictures.run(fixture.session())
            #expect(one == (try self.pictures(folder + "/three")))
            (pictures.out, pictures.basis, pictures.fitOn) = (folder + "/four", nil, fixture.images)
            _ = try pictures.run(fixture.session())
            #expect(one == (try self.pictures(folder + "/four")))
            pictures.scaling = .sigmoid
            pictures.whitens = true
            pictures.out = folder + "/five"
            _ = try pictures.run(fixture.session())
            #expect(one["a.png"] != (try self.pictures(folder + "/five"))["a.png"])
        }
    }

    @Test func theTwoSidesOfTheForegroundShareThePatches() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            var pictures = ComponentPictures(
                checkpoint: try fixture.checkpoint("timm"), images: fixture.images, out: "")
            pictures.source = .timm
            pictures.size = 64
            var black: [[Bool]] = []
            for side in ["high", "low"] {
                pictures.foreground = side
                pictures.out = "\(folder)/\(side)"
                _ = try pictures.run(fixture.session())
                let drawn = try PictureFile.load("\(folder)/\(side)/a.png")
                // One pixel of each patch, right of the picture itself.
                black.append(
                    (0..<64).map { patch in
                        let at = 3 * ((patch / 8 * 8 + 4) * drawn.width + 64 + patch % 8 * 8 + 4)
                        return drawn.pixels[at..<at + 3].allSatisfy { $0 == 0 }
                    })
            }
            #expect(black[0].contains(true) && black[0].contains(false))
            // A patch of the foreground may be black by its components, but none is background on both sides.
            let both = zip(black[0], black[1]).count { $0 && $1 }
            #expect(both < 8, "\(both) patches are black on both sides")
        }
    }

    @Test func attentionOfEveryTokenAndBlock() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            let file = try fixture.checkpoint("timm")
            func run(_ change: (inout TokenPictures) -> Void) throws -> Data {
                var pictures = TokenPictures(
                    checkpoint: file, images: fixture.images, out: "\(folder)/\(UUID().uuidString)")
                pictures.source = .timm
                change(&pictures)
                _ = try pictures.run(fixture.session())
                return try Data(contentsOf: URL(fileURLWithPath: pictures.out + "/a.png"))
            }
            let plain = try run { _ in }
            #expect(try run { $0.block = 2 } == plain, "the last block is the default")
            var seen: Set<Data> = [plain]
            for change: (inout TokenPictures) -> Void in [
                { $0.block = 1 }, { $0.query = .patch(x: 9, y: 1) }, { $0.overlays = true },
            ] { #expect(seen.insert(try run(change)).inserted) }
            #expect(throws: DataError.self) { try run { $0.block = 3 } }
            #expect(throws: DataError.self) { try run { $0.query = .patch(x: 16, y: 1) } }
            #expect(TokenPictures.Query("9,1") == .patch(x: 9, y: 1) && TokenPictures.Query("cls") == .classToken)
            for bad in ["", "1", "1,", "-1,2", "a,b", "1,2,3"] { #expect(TokenPictures.Query(bad) == nil) }
        }
    }

    /// Weights that are numbers may still make none: those have no colour.
    @Test func tokensThatAreNoNumbersAreRefused() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            let huge = Tensor([Float](repeating: 3e38, count: 64), [64])
            var weights = fixture.model.state()
            weights["norm.weight"] = huge
            let file = folder + "/huge.safetensors"
            try Safetensors.write(weights, to: file)
            var pictures = ComponentPictures(checkpoint: file, images: fixture.images, out: folder + "/out")
            pictures.source = .timm
            let error = #expect(throws: DataError.self) { try pictures.run(fixture.session()) }
            #expect(error?.kind == .malformed && error?.record == "a.png")
        }
    }
}
