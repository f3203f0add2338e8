import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// Many small views laid side by side as the pictures of a batch.
///
/// A network that only ever sees small views mixes what it should keep apart when it is shown a whole scene. On a canvas
/// each view lies among views of other pictures, so its tokens must hold on to their own content, and they meet the grid
/// that the network is used with.
/// - Source: the mosaic views of Wang et al., "Mosaic Representation Learning for Self-supervised Visual Pre-training",
///   ICLR 2023; here all views of a canvas are of one size and the loss is the method's own.
public struct Mosaic: Sendable {
    /// Views along a side of the canvas.
    public let viewsPerSide: Int
    /// View `n` lies in slot `slots[n]`; slots are counted canvas by canvas, row by row.
    public let slots: [Int]

    /// A random place for each view.
    ///
    /// - Precondition: `views` fills whole canvases.
    public init(views: Int, viewsPerSide: Int, _ stream: inout RandomStream) {
        precondition(views % (viewsPerSide * viewsPerSide) == 0, "mosaic: \(views) views, \(viewsPerSide) a side")
        self.viewsPerSide = viewsPerSide
        slots = stream.permutation(views)
    }

    /// Views `(N, s, s, 3)` as canvases `(N / V², V·s, V·s, 3)`, V views a side.
    public func canvases(of views: Tensor) -> Tensor {
        let (side, channels) = (views.shape[1], views.shape[3])
        let (perCanvas, run) = (viewsPerSide * viewsPerSide, side * channels * views.dtype.size)
        let shape = [slots.count / perCanvas, viewsPerSide * side, viewsPerSide * side, channels]
        let result = Tensor(uninitialized: shape, views.dtype)
        for (n, slot) in slots.enumerated() {
            let (canvas, place) = slot.quotientAndRemainder(dividingBy: perCanvas)
            let (row, column) = place.quotientAndRemainder(dividingBy: viewsPerSide)
            for y in 0..<side {
                let line = (canvas * viewsPerSide + row) * side + y
                (result.raw + (line * viewsPerSide + column) * run)
                    .copyMemory(from: views.raw + (n * side + y) * run, byteCount: run)
            }
        }
        return result
    }

    /// The patch tokens of each view, `(N, k², C)` in the views' order, from those of the canvases.
    public func viewTokens(_ tokens: Tokens) -> Variable {
        let (width, side) = (tokens.patches.shape[2], tokens.grid.width / viewsPerSide)
        let perCanvas = viewsPerSide * viewsPerSide
        var rows: [Int32] = []
        for slot in slots {
            let (canvas, place) = slot.quotientAndRemainder(dividingBy: perCanvas)
            let (row, column) = place.quotientAndRemainder(dividingBy: viewsPerSide)
            for y in 0..<side {
                let line = canvas * tokens.grid.height + row * side + y
                for x in 0..<side { rows.append(Int32(line * tokens.grid.width + column * side + x)) }
            }
        }
        return tokens.patches.reshaped([-1, width]).gatheringRows(rows).reshaped([slots.count, side * side, width])
    }
}
