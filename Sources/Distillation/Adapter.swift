import Autograd
import Determinism
import NeuralLayers

/// The shape of the way from a student's tokens to a teacher's.
public enum AdapterKind: Sendable, Equatable {
    /// A layer norm and a linear layer.
    case linear
    /// A layer norm and a perceptron with one hidden layer.
    case mlp(hidden: Int)
    /// A perceptron on the output of every block, `hidden` wide and `last` wide on the last block's, summed.
    case ladder(hidden: Int, last: Int)

    /// Whether the outputs of all blocks are needed.
    public var needsBlocks: Bool { if case .ladder = self { true } else { false } }
}

/// A student's tokens as an adapter takes them.
struct AdapterInput {
    /// After the final norm, `(…, C)`.
    var last: Variable
    /// Every block's output, `(…, C)` each; empty where no adapter asks for them.
    var blocks: [Variable] = []
}

/// Carries the student's tokens into a teacher's space.
///
/// Checkpoint names `norm`, `proj`; `norm`, `mlp`; or `rungs.i`.
/// - Source: `linear` as the heads of Proteus (github.com/BeSpontaneous/Proteus-pytorch), `ladder` as UNIC's ladder of
///   projectors (github.com/naver/unic), as read in their code.
public final class Adapter: Layer {
    public let kind: AdapterKind
    private let norm: LayerNorm?
    private let projection: Linear?
    private let mlp: MLP?
    private let rungs: [MLP]

    /// - Parameter depth: the student's blocks.
    public init(
        _ kind: AdapterKind = .linear, studentWidth: Int, depth: Int, teacherWidth: Int, _ stream: inout RandomStream
    ) {
        self.kind = kind
        let start = Initialization.truncatedNormal(0.02)
        func perceptron(_ hidden: Int) -> MLP {
            MLP(studentWidth, hidden: hidden, outputs: teacherWidth, initialization: start, &stream)
        }
        switch kind {
        case .linear:
            norm = LayerNorm(studentWidth)
            projection = Linear(studentWidth, teacherWidth, initialization: start, &stream)
            (mlp, rungs) = (nil, [])
        case .mlp(let hidden):
            norm = LayerNorm(studentWidth)
            mlp = perceptron(hidden)
            (projection, rungs) = (nil, [])
        case .ladder(let hidden, let last):
            rungs = (0..<depth).map { perceptron($0 == depth - 1 ? last : hidden) }
            (norm, projection, mlp) = (nil, nil, nil)
        }
    }

    public static var slots: [Slot<Adapter>] {
        [
            .layer("norm", \.norm), .layer("proj", \.projection), .layer("mlp", \.mlp), .layers("rungs", \.rungs),
        ]
    }

    /// `(…, student width)` to `(…, teacher width)`.
    func callAsFunction(_ input: AdapterInput, _ forward: Forward) -> Variable {
        if let norm {
            let x = norm(input.last, forward)
            return projection?(x, forward) ?? mlp!(x, forward)
        }
        precondition(input.blocks.count == rungs.count, "\(rungs.count) rungs for \(input.blocks.count) blocks")
        var sum: Variable?
        for (rung, block) in zip(rungs, input.blocks) { sum = rung(block, residual: sum, forward) }
        return sum!
    }
}
