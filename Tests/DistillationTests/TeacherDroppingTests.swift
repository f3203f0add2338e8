import Autograd
import Determinism
import TensorCore
import Testing

@testable import Distillation

struct TeacherDroppingTests {
    private let pictures = 200
    private func stream(_ step: UInt64 = 0) -> RandomStream { RandomStream(seed: 3, purpose: "teacher dropping", step) }

    /// Class losses `(N, 1)` and patch losses `(4N, 1)` of three teachers.
    private var losses: [[Tensor]] {
        (0..<3).map { teacher in
            [
                normals([pictures, 1], seed: UInt64(10 + teacher)),
                normals([pictures * 4, 1], seed: UInt64(20 + teacher)),
            ]
        }
    }

    private func mean(_ teacher: Int, _ picture: Int) -> Double {
        let patches = losses[teacher][1].doubles()[picture * 4..<picture * 4 + 4]
        return (losses[teacher][0].doubles()[picture] + patches.reduce(0, +) / 4) / 2
    }

    @Test func theLargestLossIsAlwaysKept() {
        let all = TeacherDropping(probability: 1).selection(losses: losses, pictures: pictures, stream())
        #expect(all.keptCount == pictures)
        for picture in 0..<pictures {
            let means = (0..<3).map { mean($0, picture) }
            #expect(all.kept[means.firstIndex(of: means.max()!)!][picture])
        }
        let half = TeacherDropping().selection(losses: losses, pictures: pictures, stream())
        for picture in 0..<pictures {
            for teacher in 0..<3 where all.kept[teacher][picture] { #expect(half.kept[teacher][picture]) }
        }
        // 400 draws at one half: five deviations are 50.
        #expect(abs(half.keptCount - pictures - 200) < 50)
    }

    @Test func drawsFollowTheStreamAlone() {
        let dropping = TeacherDropping()
        let first = dropping.selection(losses: losses, pictures: pictures, stream())
        #expect(first == dropping.selection(losses: losses, pictures: pictures, stream()))
        #expect(first != dropping.selection(losses: losses, pictures: pictures, stream(1)))
    }

    @Test func probabilityZeroIsTheMean() {
        let selection = TeacherDropping(probability: 0).selection(losses: losses, pictures: pictures, stream())
        for weights in selection.weights(tokens: 4, .f64) {
            #expect(weights.shape == [4 * pictures, 1] && weights.doubles().allSatisfy { abs($0 - 1 / 3.0) < 1e-15 })
        }
    }

    @Test func weightsGiveTheMeanOfTheTermsKept() {
        let selection = TeacherDropping().selection(losses: losses, pictures: pictures, stream())
        let (cls, patch) = (selection.weights(tokens: 1, .f64), selection.weights(tokens: 4, .f64))
        func weighted(_ weights: Tensor, _ losses: Tensor) -> Double {
            zip(weights.doubles(), losses.doubles()).reduce(0) { $0 + $1.0 * $1.1 } / Double(losses.count)
        }
        let total = (0..<3).reduce(0) {
            $0 + (weighted(cls[$1], losses[$1][0]) + weighted(patch[$1], losses[$1][1])) / 2
        }
        var expected = 0.0
        for teacher in 0..<3 {
            for picture in 0..<pictures where selection.kept[teacher][picture] { expected += mean(teacher, picture) }
        }
        #expect(abs(total - expected / Double(selection.keptCount)) < 1e-12)
        #expect(abs(cls.flatMap { $0.doubles() }.reduce(0, +) - Double(pictures)) < 1e-9)
        #expect(abs(patch.flatMap { $0.doubles() }.reduce(0, +) - Double(4 * pictures)) < 1e-9)
    }

    @Test func oneTeacherIsKept() {
        let alone = TeacherDropping(probability: 1).selection(losses: [losses[0]], pictures: pictures, stream())
        #expect(alone.weights(tokens: 1, .f64)[0].doubles().allSatisfy { $0 == 1 })
    }
}
