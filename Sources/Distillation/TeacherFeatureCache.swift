import Autograd
import TensorCore

/// A fixed way to see a picture, the same for student and teacher.
public enum PictureView: String, Sendable, CaseIterable {
    case original
    /// Mirrored left to right.
    case flipped

    /// Pictures `(N, H, W, C)` in this view.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        if self == .original { return images }
        let (lines, width) = (images.shape[0] * images.shape[1], images.shape[2])
        var indices: [Int32] = []
        indices.reserveCapacity(lines * width)
        for line in 0..<lines {
            for x in 0..<width { indices.append(Int32(line * width + width - 1 - x)) }
        }
        return Variable(images).gatheringRows(indices).value.reshaped(images.shape)
    }
}

/// One teacher's tokens for fixed views of a data set, in memory as bfloat16: the teacher runs once a picture and view
/// instead of once a step.
///
/// The flipped view holds what the teacher says of the flipped picture. Mirroring the tokens of the original would be
/// an approximation: positions and patch weights of a ViT are not symmetric. Augmentations other than the views cannot
/// be used with a cache.
public final class TeacherFeatureCache {
    public let name: String
    public let width: Int
    public let grid: (height: Int, width: Int)
    public let views: [PictureView]
    private let rows: [Int: Int]
    private let cls: Tensor
    private let patches: Tensor
    private var isStored: [Bool]

    /// The bytes that a cache of this shape takes: 2 for each channel of each token, class token included.
    public static func byteCount(samples: Int, views: Int, patches: Int, width: Int) -> Int {
        2 * samples * views * (1 + patches) * width
    }

    /// Reserves the memory for all samples and views.
    ///
    /// - Precondition: ids and views differ from each other.
    public init(
        name: String, width: Int, grid: (height: Int, width: Int), sampleIDs: [Int],
        views: [PictureView] = PictureView.allCases
    ) {
        precondition(!views.isEmpty && Set(views).count == views.count, "feature cache with views \(views)")
        var rows: [Int: Int] = [:]
        rows.reserveCapacity(sampleIDs.count)
        for (row, id) in sampleIDs.enumerated() {
            precondition(rows.updateValue(row, forKey: id) == nil, "feature cache: sample \(id) twice")
        }
        self.name = name
        self.width = width
        self.grid = grid
        self.views = views
        self.rows = rows
        let places = sampleIDs.count * views.count
        cls = Tensor(uninitialized: [places, width], .bf16)
        patches = Tensor(uninitialized: [places, grid.height * grid.width, width], .bf16)
        isStored = [Bool](repeating: false, count: places)
    }

    public var byteCount: Int { cls.byteCount + patches.byteCount }

    /// True when every sample is stored in every view.
    public var isComplete: Bool { isStored.allSatisfy { $0 } }

    public func contains(id: Int, view: PictureView) -> Bool { place(id, view).map { isStored[$0] } ?? false }

    /// Keeps the tokens of samples `ids` seen in one view.
    public func store(_ tokens: TeacherTokens, ids: [Int], view: PictureView) {
        precondition(
            tokens.name == name && tokens.grid == grid && tokens.cls.shape == [ids.count, width],
            "feature cache of \(name), grid \(grid), width \(width): \(ids.count) samples, tokens of \(tokens.name), "
                + "grid \(tokens.grid), shape \(tokens.cls.shape)")
        let (newCls, newPatches) = (tokens.cls.converted(to: .bf16), tokens.patches.converted(to: .bf16))
        for (row, id) in ids.enumerated() {
            let place = required(id, view)
            cls.rows(place..<place + 1).assign(newCls.rows(row..<row + 1))
            patches.rows(place..<place + 1).assign(newPatches.rows(row..<row + 1))
            isStored[place] = true
        }
    }

    /// Runs the teacher on a batch in every view and keeps its tokens.
    ///
    /// - Parameters:
    ///   - images: the original view, `(N, H, W, 3)`, of samples `ids`.
    ///   - given: how `images` are normalised.
    public func fill(
        from teacher: Teacher, images: Tensor, ids: [Int], normalizedWith given: PixelNormalization = .imageNet
    ) {
        for view in views {
            store(teacher.tokens(of: view(images), normalizedWith: given), ids: ids, view: view)
        }
    }

    /// The tokens of a batch, bfloat16; sample `i` in `views[i]`.
    ///
    /// - Precondition: each was stored.
    public func tokens(ids: [Int], views: [PictureView]) -> TeacherTokens {
        precondition(ids.count == views.count, "feature cache: \(ids.count) samples in \(views.count) views")
        let batchCls = Tensor(uninitialized: [ids.count, width], .bf16)
        let batchPatches = Tensor(uninitialized: [ids.count] + patches.shape.dropFirst(), .bf16)
        for (row, (id, view)) in zip(ids, views).enumerated() {
            let place = required(id, view)
            precondition(isStored[place], "feature cache of \(name): sample \(id), \(view.rawValue), was never stored")
            batchCls.rows(row..<row + 1).assign(cls.rows(place..<place + 1))
            batchPatches.rows(row..<row + 1).assign(patches.rows(place..<place + 1))
        }
        return TeacherTokens(name: name, cls: batchCls, patches: batchPatches, grid: grid)
    }

    private func place(_ id: Int, _ view: PictureView) -> Int? {
        guard let row = rows[id], let index = views.firstIndex(of: view) else { return nil }
        return row * views.count + index
    }

    private func required(_ id: Int, _ view: PictureView) -> Int {
        guard let place = place(id, view) else {
            preconditionFailure("feature cache of \(name): no place for sample \(id), \(view.rawValue)")
        }
        return place
    }
}
