import Autograd
import NeuralLayers
import TensorCore

/// What stands for a whole view.
public enum ViewPooling: String, Sendable, CaseIterable {
    /// The class token, the papers' default.
    case classToken
    /// The mean of the patch tokens: MoCo v3's ablation without a class token.
    case meanToken
}

/// One view of each picture of a batch.
public struct ViewBatch {
    /// `(B, H, W, 3)`: the views, or the canvases of a mosaic of them.
    let images: Tensor
    /// Number of views N; B where there is no mosaic.
    let count: Int
    private let mosaic: Mosaic?

    /// - Parameters:
    ///   - views: `(N, s, s, 3)`, normalised.
    ///   - mosaic: lays them side by side; the mean of a view's patch tokens then stands for it.
    public init(_ views: Tensor, mosaic: Mosaic? = nil) {
        images = mosaic?.canvases(of: views) ?? views
        count = views.shape[0]
        self.mosaic = mosaic
    }

    /// What stands for each view, `(N, C)`. Views of a mosaic share one class token: their mean tokens are taken.
    func summary(of tokens: Tokens, _ pooling: ViewPooling) -> Variable {
        guard let mosaic else { return pooling == .classToken ? tokens.classToken : tokens.patches.meanOverAxis1() }
        let rows = mosaic.patchRows(grid: tokens.grid)
        let width = tokens.patches.shape[2]
        return tokens.patches.reshaped([-1, width]).gatheringRows(rows)
            .reshaped([count, rows.count / count, width]).meanOverAxis1()
    }

    /// Patches down and across one view, in pictures or canvases of this grid.
    func viewGrid(in grid: (height: Int, width: Int)) -> (height: Int, width: Int) {
        let side = mosaic?.viewsPerSide ?? 1
        return (grid.height / side, grid.width / side)
    }

    /// The rows of the views' patches among all patch tokens `(B·T, C)`: view by view, row by row.
    func patchRows(grid: (height: Int, width: Int)) -> [Int32] {
        mosaic?.patchRows(grid: grid) ?? (0..<Int32(count * grid.height * grid.width)).map { $0 }
    }
}
