import DenseMetrics
import Determinism
import Reporting
import SafeFiles

@testable import EvaluationHarness

/// Runs made of drawn evidence: no pictures, no models.
enum EvidenceFixture {
    static func names(_ count: Int) -> [String] { (0..<count).map { "picture-\($0 + 1000).jpg" } }

    /// Pixel counts of images that show some of the classes; `quality` is the usual share of a class's pixels found.
    ///
    /// - Parameter noise: tells runs over the same images apart.
    static func segmentation(
        images: Int = 40, classes: Int = 6, quality: Double, noise: UInt64 = 0, without missing: Int? = nil
    ) -> RunEvidence {
        var evaluation = SegmentationEvaluation(classCount: classes)
        let names = names(images)
        for image in 0..<images {
            var shown = RandomStream(seed: 1, purpose: "evidence fixture", UInt64(image))
            var errors = RandomStream(seed: 2, purpose: "evidence fixture", UInt64(image), noise)
            var counts = SegmentationCounts(classCount: classes)
            let difficulty = shown.normal() * 0.05
            for k in 0..<classes where k == 0 || shown.chance(0.5) {
                let pixels = UInt64(200 + shown.int(below: 1000))
                let share = min(1, max(0, quality + difficulty + errors.normal() * 0.05))
                let found = UInt64(Double(pixels) * share)
                if k == missing { continue }
                counts.labelled[k] += pixels
                counts.predicted[k] += found
                counts.intersection[k] += found
                // What is missed is taken for the first class.
                counts.predicted[0] += pixels - found
            }
            evaluation.add(counts, image: names[image])
        }
        return RunEvidence(
            images: names, classes: (0..<classes).map { "class \($0)" }, SegmentationEvidence(evaluation: evaluation))
    }

    static func classification(hits: [Bool]) -> RunEvidence {
        RunEvidence(
            images: names(hits.count), classes: ["left", "right"],
            ClassificationEvidence(
                metric: "top1", classCount: 2, labels: hits.indices.map { $0 % 2 },
                rankings: hits.indices.map { hits[$0] ? [$0 % 2] : $0 % 3 == 0 ? [] : [1 - $0 % 2] }))
    }

    static func draft(
        _ evidence: RunEvidence, arm: String = "dmt", seed: UInt64 = 0,
        bootstrap: Bootstrap? = Bootstrap(drawCount: 200)
    ) -> RunRecord.Draft {
        var draft = RunRecord.Draft()
        draft.task = "segment.scenes"
        draft.taskVersion = 1
        draft.toolVersion = "0.1.0"
        draft.commandLine = ["dmt", "eval", "segment", "--data", "/somewhere/scenes"]
        draft.model = "vit"
        draft.arm = arm
        draft.dataset = DatasetSummary(
            name: "scenes", split: "val", contentHash: String(repeating: "b1", count: 32),
            listedImages: evidence.images.count, scoredImages: evidence.images.count,
            classCount: evidence.classes.count)
        draft.settings = [ResolvedSetting(key: "task", value: "segment", origin: "command line")]
        draft.seed = seed
        draft.selectionRule = "last step"
        draft.protocolFingerprint = ProtocolFingerprint(["input": "short side 64"])
        draft.metrics = evidence.content.metrics(bootstrap: bootstrap)
        draft.timings = [PhaseTiming(phase: "predict", seconds: 1)]
        draft.environment = [EnvironmentFact(key: "cpu_path", value: "avx2")]
        return draft
    }

    /// A run folder with record, evidence and status.
    @discardableResult
    static func write(
        _ evidence: RunEvidence, to folder: String, arm: String = "dmt", seed: UInt64 = 0, withEvidence: Bool = true,
        _ change: (inout RunRecord.Draft) -> Void = { _ in }
    ) throws -> String {
        try Folder.create(folder)
        var draft = draft(evidence, arm: arm, seed: seed)
        change(&draft)
        try RunRecord(draft).write(to: folder + "/run.json")
        if withEvidence { try evidence.write(to: "\(folder)/\(RunEvidence.fileName)") }
        try AtomicFile.write("done\n", to: folder + "/STATUS")
        return folder
    }
}
