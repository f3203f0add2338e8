import Autograd
import TensorCore
import TestSupport
import Testing

extension OpCase {
    /// Inputs of more values than this are checked along random directions.
    private static let stepEachUpTo = 260

    /// Backward against central differences.
    func checkGradient(_ inputs: [Tensor]) -> GradientCheck.Report {
        let check = GradientCheck(inputs, apply)
        let large = inputs.contains { $0.count > Self.stepEachUpTo }
        let report = large ? check.randomDirections(6) : check.everyValue()
        #expect(report.worst < Tolerance.gradientCheck, "\(name): \(report)")
        return report
    }

    /// The values in `dtype` against those of the naive twin in Double.
    func checkValues(_ inputs: [Tensor], _ dtype: DType) {
        let inputs = inputs.map { $0.converted(to: dtype) }
        let expected = twin(inputs.map(Plain.init))
        let found = apply(inputs.map { Variable($0) })
        #expect(found.shape == expected.shape && found.value.dtype == dtype, "\(name)")
        let bound = dtype == .f64 ? Tolerance.twinDouble : Double(roundings) * Tolerance.roundingSingle
        let difference = Comparison(found.value.doubles(), expected.values, tolerance: bound)
        #expect(difference.isWithinBounds, "\(name) in \(dtype): \(difference)")
    }

    /// The f32 backward against the f64 backward, which the gradient check proves: four times the forward's roundings.
    func checkSingleGradient(_ inputs: [Tensor]) {
        let singles = inputs.map { $0.converted(to: .f32) }
        let doubles = singles.map { $0.converted(to: .f64) }
        let shape = apply(singles.map { Variable($0) }).shape
        var maker = TensorMaker("projection of \(name)")
        let projection = maker.normal(shape)
        let expected = GradientCheck.gradients(doubles, projection: projection, apply)
        let found = GradientCheck.gradients(singles, projection: projection.converted(to: .f32), apply)
        let bound = 4 * Double(roundings) * Tolerance.roundingSingle
        for slot in inputs.indices {
            let difference = Comparison(
                found[slot].doubles(), expected[slot].doubles(), tolerance: bound, floor: slopeFloor)
            #expect(difference.isWithinBounds, "\(name), input \(slot): \(difference)")
        }
    }
}
