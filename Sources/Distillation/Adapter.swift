import Autograd
import Determinism
import NeuralLayers

/// Carries the student's tokens into a teacher's space: a layer norm and a linear layer.
///
/// Checkpoint names `norm`, `proj`.
/// - Source: the heads of Proteus (github.com/BeSpontaneous/Proteus-pytorch), as read in its code.
public final class Adapter: Layer {
    public let norm: LayerNorm
    public let projection: Linear

    public init(studentWidth: Int, teacherWidth: Int, _ stream: inout RandomStream) {
        norm = LayerNorm(studentWidth)
        projection = Linear(studentWidth, teacherWidth, initialization: .truncatedNormal(0.02), &stream)
    }

    public static var slots: [Slot<Adapter>] { [.layer("norm", \.norm), .layer("proj", \.projection)] }

    /// `(…, student width)` to `(…, teacher width)`.
    public func callAsFunction(_ tokens: Variable, _ forward: Forward) -> Variable {
        projection(norm(tokens, forward), forward)
    }
}
