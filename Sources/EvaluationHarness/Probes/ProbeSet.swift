import DenseHeads
import ImageFiles
import SafeFiles
import TensorCore

/// Labelled patch tokens that a segmentation probe learns from.
struct ProbeSet {
    let store: TokenStore
    /// Inputs of the store that belong to this set.
    let inputs: [Int]
    let grid: (height: Int, width: Int)
    /// Pixels of the square that labels are given for.
    let side: Int
    let classCount: Int
    let ignoreLabel: UInt16
    /// The label map of an input, `side` by `side`, in training labels.
    let readLabels: (Int) throws -> LabelImage

    var count: Int { inputs.count }

    /// `(B, T, C)` of some members.
    func tokens(_ members: [Int]) throws(DataError) -> Tensor { try store.features(members.map { inputs[$0] }) }

    /// `(N T, C)`: every patch of every member.
    func rows() throws(DataError) -> Tensor { try store.features(inputs).reshaped([-1, store.shape.channels]) }

    func labels(of member: Int) throws -> LabelImage { try readLabels(inputs[member]) }

    /// Room for the labels of this set's patches.
    var noPixels: PatchPixels {
        PatchPixels(pixelsPerPatch: (side / grid.height) * (side / grid.width), ignoreLabel: ignoreLabel)
    }

    /// Every member's labels by patches, in the order of `rows`.
    func pixels() throws -> PatchPixels {
        var pixels = noPixels
        for map in try ParallelMap.map(count, labels) {
            pixels.append(map: map.values, height: map.height, width: map.width, grid: grid)
        }
        return pixels
    }

    /// The patches that have a class, with their labels.
    func labelledRows() throws -> (rows: Tensor, pixels: PatchPixels) {
        let (rows, pixels) = (try rows(), try pixels())
        let kept = pixels.majorities().indices(where: { $0 >= 0 }).ranges.flatMap(Array.init)
        guard !kept.isEmpty else {
            throw DataError(
                .malformed, file: "training split", expected: "at least one labelled pixel", found: "none",
                remedy: "learn from a split with labels")
        }
        return (rows.gathering(kept), pixels.gathering(kept))
    }

    func subset(_ members: [Int]) -> ProbeSet {
        ProbeSet(
            store: store, inputs: members.map { inputs[$0] }, grid: grid, side: side, classCount: classCount,
            ignoreLabel: ignoreLabel, readLabels: readLabels)
    }
}

extension Tensor {
    /// Rows of the first axis in the order given, copied.
    func gathering(_ indices: [Int]) -> Tensor {
        let result = Tensor(uninitialized: [indices.count] + shape.dropFirst(), dtype)
        for (place, index) in indices.enumerated() {
            result.rows(place..<place + 1).assign(rows(index..<index + 1))
        }
        return result
    }
}
