import Autograd
import Determinism
import Geometry
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import DenseHeads

/// Normal numbers as a map.
func randomMap(_ shape: [Int], seed: UInt64, _ dtype: DType = .f32) -> Tensor {
    var stream = RandomStream(seed: seed, purpose: "map")
    return Tensor((0..<shape.reduce(1, *)).map { _ in stream.normal() }, shape).converted(to: dtype)
}

func taps(_ count: Int, batch: Int, grid: Int, width: Int, stride: Int, seed: UInt64 = 1) -> FeatureMaps {
    FeatureMaps(
        (0..<count).map {
            (
                FeatureSpec(name: "block\($0)", channels: width, stride: stride),
                Variable(randomMap([batch, grid, grid, width], seed: seed + UInt64($0)))
            )
        })
}

func randomBoxes(_ count: Int, side: Double, _ stream: inout RandomStream) -> [Box] {
    (0..<count).map { _ in
        let (x, y) = (stream.uniform() * side, stream.uniform() * side)
        return Box(x0: x, y0: y, x1: x + 1 + stream.uniform() * side / 3, y1: y + 1 + stream.uniform() * side / 3)
    }
}

/// Everything of type `Parameter` and `BatchNormStatistics` that stored properties lead to.
func stored(in any: Any, parameters: inout [Parameter], statistics: inout [BatchNormStatistics]) {
    if let parameter = any as? Parameter {
        parameters.append(parameter)
    } else if let running = any as? BatchNormStatistics {
        statistics.append(running)
    } else if !(any is Tensor) {
        for child in Mirror(reflecting: any).children {
            stored(in: child.value, parameters: &parameters, statistics: &statistics)
        }
    }
}

/// Slots name every stored parameter and running statistic exactly once.
func expectSlotsCoverState(_ layer: some Layer, _ location: SourceLocation = #_sourceLocation) {
    var (parameters, statistics) = ([Parameter](), [BatchNormStatistics]())
    stored(in: layer, parameters: &parameters, statistics: &statistics)
    let entries = layer.stateEntries()
    #expect(
        Set(layer.parameters.map(ObjectIdentifier.init)) == Set(parameters.map(ObjectIdentifier.init)),
        "parameters without a slot", sourceLocation: location)
    #expect(entries.count == parameters.count + 2 * statistics.count, sourceLocation: location)
    #expect(Set(entries.map(\.name)).count == entries.count, "names repeat", sourceLocation: location)
}

/// Compares each parameter's gradient with a central difference along a random direction, in Double.
///
/// Then along directions of all of them together: two, or as many as `DMT_GRADIENT_DIRECTIONS` says. Parameters are redrawn first, so that none sits at a special value. Steps from 1e-6 to 1e-5 leave truncation below 1e-9
/// and rounding (1e-15 / step) near 1e-9, against gradients counted from 1e-2 up: 1e-6 leaves a factor of ten.
func checkGradients(
    _ layer: some Layer, extra: [Parameter] = [], seed: UInt64 = 5, _ location: SourceLocation = #_sourceLocation,
    loss: @escaping (Forward) -> Variable
) {
    var stream = RandomStream(seed: seed, purpose: "gradient check")
    layer.convertParametersToDouble()
    var (found, statistics) = ([Parameter](), [BatchNormStatistics]())
    stored(in: layer, parameters: &found, statistics: &statistics)
    for running in statistics {
        running.mean = running.mean.converted(to: .f64)
        running.variance = running.variance.converted(to: .f64)
    }
    let named = layer.stateEntries().compactMap { entry -> (String, Parameter)? in
        if case .parameter(let parameter) = entry.storage { (entry.name, parameter) } else { nil }
    }
    for (_, parameter) in named {
        for i in 0..<parameter.value.count { parameter.value.f64()[i] += 0.2 * stream.normal() }
    }
    let tape = Tape()
    tape.backward(loss(Forward(mode: .training, seed: 11, tape: tape)))
    func value() -> Double { loss(Forward(mode: .training, seed: 11)).item() }
    var worst = (name: "", error: 0.0)
    var largest = 0.0
    for (name, parameter) in named + extra.map({ ("input", $0) }) {
        guard let gradient = parameter.gradient else {
            Issue.record("no gradient for \(name)", sourceLocation: location)
            continue
        }
        let direction: [Double] = (0..<parameter.value.count).map { _ in stream.normal() }
        let original = parameter.value.doubles()
        let analytic = zip(gradient.doubles(), direction).reduce(0.0) { $0 + $1.0 * $1.1 }
        // A kink (ReLU, L1, maximum) between two evaluations spoils one step size, hardly all three.
        let errors = [1e-5, 3e-6, 1e-6].map { step -> Double in
            let values = [1.0, -1].map { sign -> Double in
                for i in 0..<original.count { parameter.value.f64()[i] = original[i] + sign * step * direction[i] }
                return value()
            }
            let numeric = (values[0] - values[1]) / (2 * step)
            return abs(numeric - analytic) / max(1e-2, abs(numeric) + abs(analytic))
        }
        for i in 0..<original.count { parameter.value.f64()[i] = original[i] }
        if let error = errors.min(), error > worst.error { worst = (name, error) }
        largest = max(largest, abs(analytic))
    }
    #expect(worst.error < 1e-6, "gradient of \(worst.name)", sourceLocation: location)
    #expect(largest > 1e-3, "no gradient flows", sourceLocation: location)
    let count = EnvironmentCount("DMT_GRADIENT_DIRECTIONS")
    let check = DirectionalCheck(layer.parameters + extra) { loss(Forward(mode: .training, seed: 11, tape: $0)) }
    let report = check.randomDirections(count.wanted ?? 2)
    #expect(report.worst < Tolerance.directionalCheck, "\(report)", sourceLocation: location)
    count.tell(
        "\(Test.current?.name ?? "") of \(type(of: layer)): \(check.valueCount) values, \(count.wanted ?? 0) directions, "
            + "\(report.worst)")
}
