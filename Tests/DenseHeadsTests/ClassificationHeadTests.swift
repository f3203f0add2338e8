import Autograd
import Determinism
import NeuralLayers
import TensorCore
import Testing

@testable import DenseHeads

@Suite struct ClassificationHeadTests {
    private func tokens(_ dtype: DType = .f32) -> Tokens {
        Tokens(
            classToken: Variable(randomMap([3, 6], seed: 1, dtype)),
            patches: Variable(randomMap([3, 4, 6], seed: 2, dtype)),
            grid: (2, 2))
    }

    @Test(arguments: ClassificationHead.Pooling.allCases, ClassificationHead.Norm.allCases)
    func gradientsAgreeWithDifferences(pooling: ClassificationHead.Pooling, norm: ClassificationHead.Norm) throws {
        var stream = RandomStream(seed: 2, purpose: "init")
        let head = try ClassificationHead(width: 6, classCount: 5, pooling: pooling, norm: norm, &stream)
        expectSlotsCoverState(head)
        let tokens = tokens(.f64)
        checkGradients(head) { LossTerm.total(head.loss(tokens, [4, 0, 2], $0)) }
    }

    @Test func theGradientCheckRejectsAWrongGradient() throws {
        var stream = RandomStream(seed: 2, purpose: "init")
        let head = try ClassificationHead(width: 6, classCount: 5, &stream)
        let tokens = tokens(.f64)
        withKnownIssue {
            checkGradients(head) { forward in
                let loss = LossTerm.total(head.loss(tokens, [4, 0, 2], forward))
                return loss + loss.detached().scaled(by: 0.001)
            }
        }
    }

    @Test func predictionIsTheLargestLogit() throws {
        var stream = RandomStream(seed: 2, purpose: "init")
        let head = try ClassificationHead(width: 6, classCount: 5, initialization: .normal(1), &stream)
        let logits = head(tokens(), .evaluation).value.floats()
        let wanted = (0..<3).map { row -> Int32 in
            let values = Array(logits[row * 5..<row * 5 + 5])
            return Int32(values.firstIndex(of: values.max()!)!)
        }
        #expect(ArgMax.rows(head(tokens(), .evaluation).value) == wanted)
    }
}
