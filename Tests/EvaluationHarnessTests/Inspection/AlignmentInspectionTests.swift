import Autograd
import CheckpointIO
import DenseData
import Distillation
import Foundation
import JSONText
import SafeFiles
import TensorCore
import Testing
import VisionBackbones

@testable import EvaluationHarness

@Suite struct AlignmentInspectionTests {
    private func checkpoints(_ fixture: InspectionFixture) throws -> [String] {
        let other = VisionTransformer(
            ViTConfiguration(imageSize: 16, patchSize: 8, width: 64, depth: 2, headCount: 1), seed: 9)
        try Safetensors.write(other.state(), to: fixture.folder + "/other.safetensors")
        return [try fixture.checkpoint("own"), fixture.folder + "/other.safetensors"]
    }

    private func inspection(_ fixture: InspectionFixture, _ files: [String]) -> AlignmentInspection {
        var inspection = AlignmentInspection(
            checkpoints: files, images: fixture.images, out: fixture.folder + "/out")
        inspection.sources = [.timm]
        inspection.size = 32
        return inspection
    }

    private func values(_ document: JSONValue) -> [[Double]] {
        (document["values"]?.array ?? []).map { ($0.array ?? []).compactMap(\.double) }
    }

    @Test func networksAreComparedByTheirLastTokens() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            let files = try checkpoints(fixture)
            for estimator in AlignmentInspection.Estimator.allCases {
                var inspection = inspection(fixture, files)
                inspection.estimator = estimator
                let document = try inspection.run(fixture.session())
                let found = values(document)
                #expect(found.count == 2 && document["patches"]?.int == 48)
                #expect(abs(found[0][0] - 1) < 1e-9 && abs(found[1][1] - 1) < 1e-9)
                #expect(abs(found[0][1] - found[1][0]) < 1e-12 && found[0][1] < 0.999)
                // The same number from the tokens themselves.
                let tokens = try files.map { file -> Tensor in
                    let model = try CheckpointFile.loadEncoder(file, source: .timm).model
                    let images = try TokenPictures.folder(fixture.images)
                    let all = try (0..<3).flatMap { index -> [Float] in
                        let seen = FeatureInspection.fitted(try images.sample(at: index).picture, 32)
                        return model.tokens(of: Variable(Normalisation.imageNet.batch([seen])), .evaluation)
                            .patches.value.floats()
                    }
                    return Tensor(all, [48, 64])
                }
                let expected =
                    estimator == .linear
                    ? KernelAlignment.linear(tokens[0], tokens[1])
                    : KernelAlignment.unbiased(.init(tokens[0]), .init(tokens[1]))
                #expect(abs(found[0][1] - (try #require(expected))) < 1e-9)
            }
            let svg = try text(of: folder + "/out/alignment.svg")
            #expect(svg.contains("<svg") && svg.contains("other") && svg.contains("own"))
            #expect(try JSONValue.parse(text(of: folder + "/out/alignment.json"), file: "x")["values"] != nil)
        }
    }

    @Test func layersOfOneNetworkAndOfTwo() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            let files = try checkpoints(fixture)
            var one = inspection(fixture, [files[0]])
            one.comparesLayers = true
            one.patchLimit = 20
            let document = try one.run(fixture.session())
            let found = values(document)
            #expect(document["patches"]?.int == 20 && document["rows"]?.array?.count == 2)
            #expect(abs(found[0][0] - 1) < 1e-9 && abs(found[1][1] - 1) < 1e-9 && found[0][1] < 0.9999)
            var two = inspection(fixture, files)
            two.comparesLayers = true
            let both = values(try two.run(fixture.session()))
            #expect(both.count == 2 && both.flatMap(\.self).allSatisfy { $0 < 0.999 })
        }
    }

    @Test func whatCannotBeComparedIsRefused() throws {
        try withTemporaryFolder { folder in
            let fixture = try InspectionFixture(folder)
            let files = try checkpoints(fixture)
            func failure(_ inspection: AlignmentInspection) throws -> DataError? {
                do {
                    _ = try inspection.run(fixture.session())
                    return nil
                } catch let error as DataError { return error }
            }
            #expect(try failure(inspection(fixture, [files[0]]))?.kind == .configuration)
            var three = inspection(fixture, files + files)
            three.comparesLayers = true
            #expect(try failure(three)?.kind == .configuration)
            let fine = VisionTransformer(
                ViTConfiguration(imageSize: 16, patchSize: 4, width: 64, depth: 2, headCount: 1), seed: 9)
            try Safetensors.write(fine.state(), to: folder + "/fine.safetensors")
            let error = try #require(try failure(inspection(fixture, [files[0], folder + "/fine.safetensors"])))
            #expect(error.record == "patch size" && error.found == "4")
            #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
        }
    }
}
