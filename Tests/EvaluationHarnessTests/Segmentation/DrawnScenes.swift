import DenseData
import Determinism
import VisionBackbones

@testable import EvaluationHarness

/// A small drawn data set and a smaller backbone: what the trainers are tested on.
struct DrawnScenes {
    let folder: String

    init(_ folder: String, train: Int = 6, val: Int = 3, seed: UInt64 = 5) throws {
        self.folder = folder + "/scenes"
        try SceneDataset.write(
            try SceneDataset.Options(trainCount: train, validationCount: val, size: 64, seed: seed), to: self.folder)
    }

    func data(_ task: EvaluationTask, split: String = "train", list: String? = nil) throws -> TaskData {
        try TaskData(folder, section: task.section, split: split, listFile: list)
    }

    static func backbone(seed: UInt64 = 3) -> VisionTransformer {
        VisionTransformer(
            ViTConfiguration(imageSize: 64, patchSize: 8, width: 32, depth: 4, headCount: 2), seed: seed)
    }

    static func segmentation(steps: Int) -> SegmentationSettings {
        var settings = SegmentationSettings()
        settings.architecture.channels = 16
        settings.architecture.shortSide = 64
        settings.cropSize = 64
        settings.shortSide = 64
        settings.scale = 1...1
        settings.maxClassShare = 1
        settings.tuning.steps = steps
        settings.tuning.batchSize = 6
        settings.tuning.learningRate = 5e-3
        return settings
    }

    static func detection(steps: Int) -> DetectionSettings {
        var settings = DetectionSettings()
        settings.architecture.size = 64
        settings.architecture.channels = 32
        settings.architecture.boxWidth = 64
        settings.architecture.maskChannels = 16
        settings.architecture.maskConvolutions = 1
        settings.architecture.anchorSizes = [8, 16, 32, 48]
        settings.views = .jitter(LargeScaleJitter(size: 64, factor: 1...1))
        settings.tuning.steps = steps
        settings.tuning.batchSize = 6
        settings.tuning.learningRate = 3e-3
        return settings
    }

    /// Runs a body on a number of threads.
    static func onThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
        let before = Parallel.threadCount
        Parallel.setThreadCount(count)
        defer { Parallel.setThreadCount(before) }
        return try body()
    }
}
