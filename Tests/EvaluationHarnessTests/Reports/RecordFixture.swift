import Foundation
import Reporting
import SafeFiles

@testable import EvaluationHarness

/// Run folders with records, as evaluations leave them.
struct RecordFixture {
    var arm = "dmt"
    var task = "segment.ade20k"
    var seed: UInt64 = 0
    var metrics = [("mIoU", 0.4)]
    var images = 2000
    /// Settings of the training, without their prefix.
    var training: [(String, String)] = []
    var status = "done"
    var protocolEntries: KeyValuePairs<String, String> = ["input": "512"]

    func record() throws -> RunRecord {
        var draft = RunRecord.Draft()
        draft.task = task
        draft.taskVersion = 1
        draft.toolVersion = BuildInfo.version
        draft.commandLine = ["dmt", "eval", "segment", "--data", "ade20k"]
        draft.model = "vit 192x12/16, upernet"
        draft.arm = arm
        draft.dataset = DatasetSummary(
            name: "ade20k", split: "val", contentHash: String(repeating: "c", count: 64), listedImages: images,
            scoredImages: images, classCount: 150)
        draft.settings =
            [ResolvedSetting(key: "split", value: "val", origin: "default")]
            + training.map { ResolvedSetting(key: "training.\($0.0)", value: $0.1, origin: "recipe") }
        draft.seed = seed
        draft.selectionRule = "last step"
        draft.protocolFingerprint = ProtocolFingerprint(protocolEntries)
        draft.metrics = metrics.map {
            MetricValue(name: $0.0, value: $0.1, unit: .fraction, direction: .higherIsBetter, sampleCount: images)
        }
        draft.timings = [PhaseTiming(phase: "score", seconds: 1)]
        draft.environment = [EnvironmentFact(key: "cpu", value: "a CPU")]
        return try RunRecord(draft)
    }

    /// A run folder with the record.
    func write(to folder: String) throws {
        try Self.writeRun(to: folder, status: status, command: "dmt eval segment --data ade20k\n")
        try record().write(to: folder + "/run.json")
    }

    /// A run folder without a record.
    static func writeRun(to folder: String, status: String, command: String) throws {
        try Folder.create(folder)
        try AtomicFile.write(status + "\n", to: folder + "/STATUS")
        try AtomicFile.write(String(repeating: "0", count: 64) + "\n", to: folder + "/config.sha256")
        try AtomicFile.write(command, to: folder + "/command.txt")
    }
}
