import Autograd
import TensorCore
import TestSupport
import Testing

/// The checker must reject what is wrong, or its silence proves nothing.
@Suite struct GradientCheckTests {
    private let input: Tensor = {
        var maker = TensorMaker("checker")
        return maker.awayFromZero(3, 4)
    }()

    /// `y = x³` with a given slope at each index.
    private func cube(_ slope: @escaping (Int, Double) -> Double) -> ([Variable]) -> Variable {
        { inputs in
            let x = inputs[0].value
            return .record(Tensor(x.doubles().map { $0 * $0 * $0 }, x.shape), from: inputs) { dy in
                [Tensor(zip(x.doubles(), dy.doubles()).enumerated().map { slope($0, $1.0) * $1.1 }, x.shape)]
            }
        }
    }

    @Test func acceptsTheRightGradient() {
        let check = GradientCheck([input], cube { 3 * $1 * $1 })
        #expect(check.everyValue().worst < Tolerance.gradientCheck)
        #expect(check.randomDirections(8).worst < Tolerance.gradientCheck)
    }

    @Test func rejectsAGradientOffByATenThousandth() {
        let check = GradientCheck([input], cube { 3.0003 * $1 * $1 })
        #expect(check.everyValue().worst > 50 * Tolerance.gradientCheck)
        #expect(check.randomDirections(8).worst > 50 * Tolerance.gradientCheck)
    }

    @Test func rejectsOneWrongValueAndNamesIt() {
        let report = GradientCheck([input], cube { $0 == 7 ? 0 : 3 * $1 * $1 }).everyValue()
        #expect(report.worst > 0.5 && report.place.contains("value 7"))
    }

    @Test func rejectsNotANumber() {
        #expect(GradientCheck([input], cube { $0 == 2 ? .nan : 3 * $1 * $1 }).everyValue().worst == .infinity)
    }

    @Test func rejectsAMissingGradient() {
        let report = GradientCheck([input]) { inputs in
            .record(inputs[0].value.copy(), from: inputs) { _ in [nil] }
        }.everyValue()
        #expect(report.worst > 0.5)
    }

    @Test func comparisonCountsNotANumberAsInfinite() {
        #expect(Comparison([1, .nan], [1, 2], tolerance: 1).worst == .infinity)
        #expect(Comparison([1], [1, 2], tolerance: 1).worst == .infinity)
        #expect(Comparison([1, 2.5], [1, 2], tolerance: 0.125).worst == 2)
    }
}
