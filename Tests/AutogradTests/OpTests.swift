import Autograd
import Foundation
import TensorCore
import TestSupport
import Testing

@Suite struct OpTests {
    private func inputs(_ op: OpCase) -> [Tensor] {
        var maker = TensorMaker(op.name)
        return op.inputs(&maker)
    }

    @Test(arguments: OpTable.all) func gradientMatchesDifferences(op: OpCase) { _ = op.checkGradient(inputs(op)) }

    @Test(arguments: OpTable.all) func doubleMatchesTheNaiveTwin(op: OpCase) { op.checkValues(inputs(op), .f64) }

    @Test(arguments: OpTable.all) func singleMatchesTheNaiveTwin(op: OpCase) { op.checkValues(inputs(op), .f32) }

    @Test(arguments: OpTable.all) func singleGradientMatchesDouble(op: OpCase) { op.checkSingleGradient(inputs(op)) }

    /// Each operation on shapes of its own drawing: a few, or as many as `DMT_GRADIENT_SHAPES` says.
    @Test(arguments: DrawnOp.all) func drawnShapesMatchDifferencesAndTwin(drawn: DrawnOp) {
        let count = EnvironmentCount("DMT_GRADIENT_SHAPES")
        var worst = (report: GradientCheck.Report(), name: "")
        for number in 0..<(count.wanted ?? 3) {
            let (op, inputs) = drawn.drawn(number)
            let report = op.checkGradient(inputs)
            if report.worst > worst.report.worst { worst = (report, op.name) }
            op.checkValues(inputs, .f64)
            op.checkValues(inputs, .f32)
            op.checkSingleGradient(inputs)
        }
        count.tell("\(drawn.name): \(count.wanted ?? 0) shapes, \(worst.report.worst) at \(worst.name)")
    }

    /// No operation swallows NaN, at any place of any input that counts: a broken value has to reach the loss.
    @Test(arguments: DrawnOp.all) func notANumberComesThrough(drawn: DrawnOp) {
        for number in 0..<6 {
            let (op, inputs) = drawn.drawn(number)
            for slot in inputs.indices {
                let broken = inputs.map { $0.converted(to: .f32) }
                broken[slot].f32()[number * 7 % inputs[slot].count] = .nan
                let expected = op.twin(broken.map(Plain.init)).values
                let found = op.apply(broken.map { Variable($0) }).value.doubles()
                let lost = expected.indices.filter { expected[$0].isNaN && !found[$0].isNaN }
                #expect(
                    lost.isEmpty,
                    "\(op.name), input \(slot): values \(lost.prefix(8)) are \(lost.first.map { found[$0] } ?? 0)")
            }
        }
    }

    /// bfloat16 keeps 8 bits: each operand is off by 2^-9 at most, and so is every gradient's.
    @Test func gradientsOfRoundedProductsStayNear() {
        var maker = TensorMaker("rounded linear")
        let inputs = [maker.normal(37, 65), maker.normal(50, 65), maker.normal(50), maker.normal(37, 50)]
        let projection = maker.normal(37, 50)
        let exact = GradientCheck.gradients(inputs.map { $0.converted(to: .f64) }, projection: projection) {
            $0[0].linear($0[1], $0[2], activation: .gelu, residual: $0[3])
        }
        let rounded = GradientCheck.gradients(
            inputs.map { $0.converted(to: .f32) }, projection: projection.converted(to: .f32)
        ) {
            $0[0].linear($0[1], $0[2], activation: .gelu, residual: $0[3], bf16: true)
        }
        for slot in inputs.indices {
            // Rounding shows, and stays below 2^-7 of the gradient's length; the residual's is not rounded.
            let error = relativeError(rounded[slot], exact[slot])
            #expect(error < 0x1p-7 && (slot == 3 || error > 0x1p-14), "input \(slot): \(error)")
        }
    }

    /// A transformer block whose norms, projections, attention and perceptron pass bfloat16 values on.
    @Test func gradientsOfARoundedBlockStayNear() {
        var maker = TensorMaker("rounded block")
        let inputs = [
            maker.normal(3, 19, 16), maker.normal(48, 16, scale: 0.3), maker.normal(48),
            maker.normal(16, 16, scale: 0.3),
            maker.normal(16), maker.normal(40, 16, scale: 0.3), maker.normal(40), maker.normal(16, 40, scale: 0.3),
            maker.normal(16),
        ]
        func block(_ v: [Variable], half: Bool) -> Variable {
            let qkv = v[0].layerNorm(half: half).linear(v[1], v[2], bf16: half, half: half)
            let x = qkv.attention(heads: 2).linear(v[3], v[4], residual: v[0], bf16: half)
            return x.layerNorm(half: half).perceptron(
                (v[5], v[6]), (v[7], v[8]), activation: .gelu, residual: x, bf16: half)
        }
        let projection = maker.normal(3, 19, 16)
        let singles = inputs.map { $0.converted(to: .f32) }
        let exact = GradientCheck.gradients(inputs, projection: projection) { block($0, half: false) }
        let rounded = GradientCheck.gradients(singles, projection: projection.converted(to: .f32)) {
            block($0, half: true)
        }
        let values = relativeError(
            block(singles.map { Variable($0) }, half: true).value,
            block(inputs.map { Variable($0) }, half: false).value)
        #expect(values < 0x1p-7 && values > 0x1p-14, "values: \(values)")
        for slot in inputs.indices {
            let error = relativeError(rounded[slot], exact[slot])
            #expect(error < 0x1p-6 && (slot == 8 || error > 0x1p-14), "input \(slot): \(error)")
        }
    }

    /// The length of the difference over the length of what is wanted.
    private func relativeError(_ found: Tensor, _ wanted: Tensor) -> Double {
        let (a, b) = (found.doubles(), wanted.doubles())
        let error = zip(a, b).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot()
        return error / b.map { $0 * $0 }.reduce(0, +).squareRoot()
    }

    /// Every public method that gives a Variable stands in the table.
    @Test func theTableNamesEveryOperation() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/Autograd")
        let files = try FileManager.default.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil)
        var operations: Set<String> = []
        for file in files.sorted(by: { $0.path < $1.path }) where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            let functions = text.matches(of: /public (?:static )?func ([A-Za-z0-9]+|-|\+)\s*\([^{]*?\) -> Variable \{/)
            operations.formUnion(functions.map { String($0.output.1) })
        }
        // `record` is how operations are made, `leaf` makes inputs, `detached` ends gradients; `+` is `adding`.
        operations.subtract(["record", "leaf", "detached", "+"])
        #expect(operations.count >= 35)
        #expect(operations.subtracting(OpTable.all.map(\.operation)).sorted() == [])
        #expect(operations.subtracting(DrawnOp.all.map(\.operation)).sorted() == [])
        #expect(Set(DrawnOp.all.map(\.name)).count == DrawnOp.all.count)
        #expect(Set(OpTable.all.map(\.name)).count == OpTable.all.count)
    }
}
