import NeuralLayers

/// What is trained, and beside it the moving average of its values (or of a part's) over the steps: one state, so that a
/// snapshot holds both.
///
///     average = δ·average + (1 − δ)·values         after each step that was applied; buffers too
///
/// - Source: timm's `ModelEmaV2`.
final class AveragedTraining<Trained: Layer, Averaged: Layer>: Layer {
    private let trained: Trained
    private let average: Averaged
    private let moving: MovingAverage
    private let decay: Double

    /// - Parameters:
    ///   - part: of `trained`, or it itself: what is averaged.
    ///   - average: of the same architecture; becomes a copy of `part`.
    init(_ trained: Trained, averaging part: Averaged, into average: Averaged, decay: Double) {
        self.trained = trained
        self.average = average
        self.decay = decay
        moving = MovingAverage(average, following: part, skipsFrozen: true)
    }

    static var slots: [Slot<AveragedTraining>] { [.inline(\.trained), .layer("average", \.average)] }

    func update() { moving.update(decay: decay) }
}
