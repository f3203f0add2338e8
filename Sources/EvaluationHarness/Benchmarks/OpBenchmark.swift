import Autograd
import Determinism
import JSONText
import NeuralLayers
import SafeFiles
import TensorCore

/// Times one operation of the engine on random values.
public struct OpBenchmark: Sendable {
    public enum Pass: String, Sendable, CaseIterable {
        case forward, backward, both
    }

    public static let warmupCalls = 2

    public var op: BenchmarkOp
    public var shape: [Int]
    public var pass: Pass
    public var precision: ProductPrecision
    /// Calls that are timed, after the warm-up.
    public var calls: Int
    public var seed: UInt64

    /// - Parameter shape: in the order of `BenchmarkOp.axes`; the op's own when absent.
    /// - Throws: `.configuration` for a shape of another length, sizes below 1 and bf16 where the op has no products.
    public init(
        _ op: BenchmarkOp, shape: [Int]? = nil, pass: Pass = .forward, precision: ProductPrecision = .f32,
        calls: Int = 10, seed: UInt64 = 0
    ) throws(DataError) {
        let shape = shape ?? op.defaultShape
        func demand(_ holds: Bool, _ expected: String, _ found: String) throws(DataError) {
            if !holds {
                throw DataError(
                    .configuration, file: "options", record: op.rawValue, expected: expected, found: found,
                    remedy: "choose other values")
            }
        }
        try demand(
            shape.count == op.axes.count && shape.allSatisfy { (1...1 << 24).contains($0) },
            "sizes \(op.axes.joined(separator: ","))", "\(shape)")
        try demand(op.accepts(shape), op.restriction, "\(shape)")
        try demand(precision == .f32 || op.hasRoundedProducts, "f32: the op multiplies no rounded matrices", "bf16")
        try demand(calls >= 1, "at least one call", "\(calls)")
        self.op = op
        self.shape = shape
        self.pass = pass
        self.precision = precision
        self.calls = calls
        self.seed = seed
    }

    /// Runs warm-up and timed calls, then measures the bounds of this machine.
    ///
    /// - Parameter onCall: called after every call, warm-up included.
    public func run(onCall: () -> Void = {}) -> OpTiming {
        var stream = RandomStream(seed: seed, purpose: "benchmark op")
        let build = op.build(shape, bf16: precision == .bf16, &stream)
        var (seconds, cpuSeconds) = ([Double](), [Double]())
        for call in 0..<Self.warmupCalls + calls {
            let spent = time(build)
            if call >= Self.warmupCalls {
                seconds.append(spent.wall)
                cpuSeconds.append(spent.cpu)
            }
            onCall()
        }
        return OpTiming(
            benchmark: self, threads: Parallel.threadCount, secondsPerCall: seconds, cpuSecondsPerCall: cpuSeconds,
            peakGigaflopsPerCore: Kernels.measuredPeak() * 1e-9, peakGigabytes: MemoryBandwidth.ofCopies * 1e-9)
    }

    /// Seconds of the timed part of one call. Inputs lie behind an operation that gives nothing back, so that no gradient
    /// is added to a leaf.
    private func time(_ build: BenchmarkOp.Build) -> (wall: Double, cpu: Double) {
        let clock = BenchmarkClock()
        let tape = pass == .forward ? nil : Tape()
        let inputs = build.inputs.map { Self.variable($0, tape) }
        var result: Variable?
        let forward = clock.measure { result = build.apply(inputs) }
        guard let tape, let y = result else { return forward }
        let upstream = Tensor.full(y.shape, 1e-3)
        let loss = Variable.record(Tensor.zeros([]), from: [y]) { _ in [upstream] }
        result = nil
        let backward = clock.measure { tape.backward(loss) }
        return pass == .backward ? backward : (forward.wall + backward.wall, forward.cpu + backward.cpu)
    }

    private static func variable(_ tensor: Tensor, _ tape: Tape?) -> Variable {
        guard let tape else { return Variable(tensor) }
        let root = tape.leaf(Tensor.zeros([]), gradient: Tensor.zeros([]), owner: tensor.storage)
        return .record(tensor, from: [root]) { _ in [nil] }
    }
}
