import Autograd
import NeuralLayers
import TensorCore
import Testing

@testable import Distillation

struct TeacherTests {
    private let images = normals([3, 8, 12, 3], seed: 1, scale: 0.2, offset: 0.5).converted(to: .f32)

    private func gap(_ a: Tensor, _ b: Tensor) -> Double {
        zip(a.doubles(), b.doubles()).map { abs($0 - $1) }.max() ?? 0
    }

    @Test func aTeacherIsFrozenAndSeesItsOwnNormalisation() {
        let backbone = TinyBackbone(width: 6, seed: 1)
        let teacher = Teacher(name: "a", backbone, normalization: .identity, bf16: false)
        #expect(backbone.parameterCount == 0)
        let direct = teacher.tokens(of: images, normalizedWith: .identity)
        #expect(
            direct.cls.shape == [3, 6] && direct.patches.shape == [3, 6, 6] && direct.grid == (height: 2, width: 3))
        let normalized = PixelNormalization.imageNet.renormalized(images, from: .identity)
        let (first, expected) = (normalized.doubles()[4], (images.doubles()[4] - 0.456) / 0.224)
        #expect(abs(first - expected) < 1e-5)
        let same = teacher.tokens(of: normalized, normalizedWith: .imageNet)
        #expect(gap(direct.patches, same.patches) < 1e-5)
        #expect(gap(direct.patches, teacher.tokens(of: normalized, normalizedWith: .identity).patches) > 0.1)
    }

    @Test func roundedOperandsStayNear() {
        let backbone = TinyBackbone(width: 16, seed: 2)
        let exact = Teacher(name: "a", backbone, bf16: false).tokens(of: images)
        let rounded = Teacher(name: "a", backbone).tokens(of: images)
        let difference = gap(exact.patches, rounded.patches)
        #expect(difference < 0.1 && difference > 0)
    }

    @Test func theCacheGivesBackRoundedTokensOfEachView() {
        let teacher = Teacher(name: "a", TinyBackbone(width: 6, seed: 3), bf16: false)
        let cache = TeacherFeatureCache(
            name: "a", width: 6, grid: (height: 2, width: 3), sampleIDs: [40, 7, 12])
        #expect(cache.byteCount == TeacherFeatureCache.byteCount(samples: 3, views: 2, patches: 6, width: 6))
        #expect(cache.byteCount == 3 * 2 * 7 * 6 * 2)
        cache.fill(from: teacher, images: images.rows(0..<2), ids: [12, 40])
        #expect(cache.contains(id: 40, view: .flipped) && !cache.contains(id: 7, view: .original))
        #expect(!cache.contains(id: 8, view: .original) && !cache.isComplete)
        cache.fill(from: teacher, images: images.rows(2..<3), ids: [7])
        #expect(cache.isComplete)
        let plain = teacher.tokens(of: images)
        let mirrored = teacher.tokens(of: PictureView.flipped(images))
        let got = cache.tokens(ids: [7, 12, 7], views: [.original, .flipped, .flipped])
        #expect(got.patches.dtype == .bf16 && got.patches.shape == [3, 6, 6])
        func rounded(_ x: Tensor, _ row: Int) -> [Float] { x.rows(row..<row + 1).converted(to: .bf16).floats() }
        #expect(got.patches.rows(0..<1).floats() == rounded(plain.patches, 2))
        #expect(got.patches.rows(1..<2).floats() == rounded(mirrored.patches, 0))
        #expect(got.cls.rows(2..<3).floats() == rounded(mirrored.cls, 2))
        #expect(rounded(plain.patches, 2) != rounded(mirrored.patches, 2))
    }

    @Test func flippingMirrorsColumns() {
        let flipped = PictureView.flipped(images)
        for (y, x, c) in [(0, 0, 0), (3, 5, 1), (7, 11, 2)] {
            let (at, from) = (((1 * 8 + y) * 12 + x) * 3 + c, ((1 * 8 + y) * 12 + 11 - x) * 3 + c)
            #expect(flipped.floats()[at] == images.floats()[from])
        }
        #expect(PictureView.flipped(flipped).floats() == images.floats())
    }

    @Test func cachedTokensGiveNearlyTheSameLoss() {
        let teacher = Teacher(name: "a", TinyBackbone(width: 6, seed: 3), bf16: false)
        let cache = TeacherFeatureCache(
            name: "a", width: 6, grid: (height: 2, width: 3), sampleIDs: [0, 1, 2], views: [.original])
        cache.fill(from: teacher, images: images, ids: [0, 1, 2])
        let model = DistillationModel(
            student: TinyBackbone(width: 4, seed: 1), teachers: [TeacherSpecification(name: "a", width: 6)],
            DistillationOptions(fusion: .single("a"), standardization: .layerNorm), seed: 1)
        let student = model.student.tokens(of: Variable(images), .evaluation)
        let values = [
            teacher.tokens(of: images), cache.tokens(ids: [0, 1, 2], views: [.original, .original, .original]),
        ]
        .map {
            LossTerm.total(model.loss(StudentViews(tokens: student), teacherTokens: [$0], .evaluation).terms).item()
        }
        #expect(abs(values[0] - values[1]) < 0.01 && values[0] != values[1])
    }
}
