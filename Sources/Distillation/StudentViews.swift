import Autograd
import Determinism
import NeuralLayers
import TensorCore

/// A student that sees a part of the patches in training, and the decoder that fills in the rest.
///
/// - Source: G2SD's generic stage (github.com/pengzhiliang/G2SD): 25 % visible, targets at all positions.
public struct StudentMasking {
    /// The share of patches the student does not see.
    public var ratio: Double
    public var decoder: MaskDecoder

    public init(ratio: Double, decoder: MaskDecoder) {
        precondition(ratio > 0 && ratio < 1, "student masking: ratio \(ratio)")
        (self.ratio, self.decoder) = (ratio, decoder)
    }

    /// Which patches each picture shows; a function of the seed and its place in the batch alone.
    ///
    /// - Parameter first: the place of the first picture.
    func draw(pictures: Int, from first: Int = 0, patches: Int, seed: UInt64) -> [[Int32]] {
        let shown = patches - Int(Double(patches) * ratio)
        return (first..<first + pictures).map { place in
            var stream = RandomStream(seed: seed, purpose: "student mask", UInt64(place))
            return stream.permutation(patches).prefix(shown).map(Int32.init)
        }
    }
}

/// Pictures of which the student sees a mask token in place of some patches, in a pass of their own.
///
/// - Source: the masked-patch loss of Proteus: half of the pictures, half of their patches.
public struct HiddenPatches: Sendable, Equatable {
    /// The share of the batch's pictures, rounded down, at least one.
    public var pictureShare: Double
    /// The share of their patches, rounded down, at least one.
    public var patchShare: Double

    public init(pictureShare: Double = 0.5, patchShare: Double = 0.5) {
        precondition(
            (0...1).contains(pictureShare) && (0...1).contains(patchShare),
            "hidden patches: shares \(pictureShare), \(patchShare)")
        (self.pictureShare, self.patchShare) = (pictureShare, patchShare)
    }

    /// Which pictures and which of their patches; a function of the seed and the rank alone. Each rank hides patches of as
    /// many of its own pictures: other ones than a single process would choose.
    func draw(pictures: Int, patches: Int, seed: UInt64, rank: Int = 0) -> (pictures: [Int], patches: [[Int32]]) {
        func count(_ share: Double, of all: Int) -> Int { min(all, max(1, Int(Double(all) * share))) }
        var stream =
            rank == 0
            ? RandomStream(seed: seed, purpose: "hidden pictures")
            : RandomStream(seed: seed, purpose: "hidden pictures", UInt64(rank))
        let chosen = stream.permutation(pictures).prefix(count(pictureShare, of: pictures)).sorted()
        return (
            chosen,
            chosen.map { picture in
                var stream = RandomStream(seed: seed, purpose: "hidden patches", UInt64(rank * pictures + picture))
                return stream.permutation(patches).prefix(count(patchShare, of: patches)).sorted().map(Int32.init)
            }
        )
    }
}

/// What a student says of a batch, as far as a loss needs it.
public struct StudentViews {
    /// Of all patches: the student's own, or its decoder's.
    public var tokens: Tokens
    /// The rows of hidden patches among all patches of the batch, `picture · T + patch`, with the student's tokens
    /// there, `(rows, C)` each.
    var hidden: (rows: [Int32], input: AdapterInput)?

    public init(tokens: Tokens) { self.tokens = tokens }

    func input(_ type: TokenType) -> AdapterInput {
        let count = tokens.patches.shape[1]
        switch type {
        case .cls:
            return AdapterInput(
                last: tokens.classToken,
                blocks: tokens.taps.map { $0.sliced(axis: 1, 0..<1).reshaped([-1, $0.shape[2]]) })
        case .patch:
            return AdapterInput(last: tokens.patches, blocks: tokens.taps.map { $0.sliced(axis: 1, 1..<1 + count) })
        case .hidden:
            guard let hidden else { preconditionFailure("no patches were hidden from the student") }
            return hidden.input
        }
    }
}

extension DistillationModel {
    /// The student's passes over a batch that the loss needs.
    ///
    /// - Parameter images: `(N, H, W, 3)`, normalised for the student.
    public func views(of images: Variable, _ forward: Forward) -> StudentViews {
        var request = TokenRequest(
            taps: options.adapter.needsBlocks ? Array(0..<student.depth) : [],
            projections: options.relation.map { [$0.studentBlock] } ?? [])
        guard let masking = options.masking else {
            var views = StudentViews(tokens: student.tokens(of: images, request, forward))
            if options.tokens.types.contains(.hidden) { views.hidden = hidden(in: images, forward) }
            return views
        }
        let (pictures, count) = (images.shape[0], masking.decoder.patchCount)
        let visible = masking.draw(
            pictures: pictures, from: forward.firstPicture(of: pictures), patches: count, seed: forward.seed)
        request.visible = visible
        let seen = student.tokens(of: images, request, forward)
        let filled = masking.decoder(seen, visible: visible, forward)
        let width = masking.decoder.width
        return StudentViews(
            tokens: Tokens(
                classToken: filled.sliced(axis: 1, 0..<1).reshaped([pictures, width]),
                patches: filled.sliced(axis: 1, 1..<1 + count), grid: seen.grid))
    }

    private func hidden(in images: Variable, _ forward: Forward) -> (rows: [Int32], input: AdapterInput) {
        let patch = student.patchSize
        let count = images.shape[1] / patch * (images.shape[2] / patch)
        let (pictures, patches) = options.hiddenPatches.draw(
            pictures: images.shape[0], patches: count, seed: forward.seed, rank: forward.group.rank)
        let chosen = images.reshaped([images.shape[0], images.count / images.shape[0]])
            .gatheringRows(pictures.map(Int32.init)).reshaped([pictures.count] + images.shape.dropFirst())
        let request = TokenRequest(
            masked: (patches, forward(maskToken!)), taps: options.adapter.needsBlocks ? Array(0..<student.depth) : [])
        let tokens = student.tokens(of: chosen, request, forward)
        let local = patches.enumerated().flatMap { at, list in list.map { Int32(at * count) + $0 } }
        let rows = zip(pictures, patches).flatMap { picture, list in list.map { Int32(picture * count) + $0 } }
        func gathered(_ x: Variable) -> Variable { x.reshaped([-1, x.shape[2]]).gatheringRows(local) }
        return (
            rows,
            AdapterInput(
                last: gathered(tokens.patches),
                blocks: tokens.taps.map { gathered($0.sliced(axis: 1, 1..<1 + count)) })
        )
    }
}
