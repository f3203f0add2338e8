import TensorCore

/// The gradients of neighbouring parameters of an optimizer, in memory that is taken when the first of them arrives and let
/// go when they are zero again: the next forward pass uses its pages.
public final class GradientBlock {
    /// Places of the values in the optimizer's buffer.
    let range: Range<Int>
    private let dtype: DType
    private var kept: Tensor?

    private init(_ range: Range<Int>, _ dtype: DType) {
        (self.range, self.dtype) = (range, dtype)
    }

    /// Shares out the gradients of parameters whose values lie one behind the other. A block ends where it is so large that
    /// requests of any size can have its memory.
    static func blocks(of parameters: [Parameter]) -> [GradientBlock] {
        var (blocks, waiting, first, end) = ([GradientBlock](), [(parameter: Parameter, place: Int)](), 0, 0)
        for (index, parameter) in parameters.enumerated() {
            waiting.append((parameter, end))
            end += parameter.value.count
            let dtype = parameter.value.dtype
            if (end - first) * dtype.size < Allocator.largeSize && index + 1 < parameters.count { continue }
            let block = GradientBlock(first..<end, dtype)
            for (parameter, place) in waiting { parameter.shareGradient(in: block, at: place) }
            blocks.append(block)
            waiting.removeAll()
            first = end
        }
        return blocks
    }

    /// All gradients of the block, shape `[count]`; zeros where none has arrived.
    public var tensor: Tensor {
        if let kept { return kept }
        let zeros = Tensor.zeros([range.count], dtype)
        kept = zeros
        return zeros
    }

    /// The gradient of the parameter whose values begin at `place` of the optimizer's buffer.
    func gradient(at place: Int, shape: [Int]) -> Tensor { tensor.view(at: place - range.lowerBound, shape: shape) }

    func setZero() { kept = nil }
}
