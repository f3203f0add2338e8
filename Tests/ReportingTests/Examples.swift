import Foundation
import Reporting

/// A complete draft with every kind of field, for tests to read or break.
func exampleDraft(arm: String = "dmt", miou: Double? = 0.4123456789012345, seed: UInt64 = .max) -> RunRecord.Draft {
    var draft = RunRecord.Draft()
    draft.task = "semseg.scenes.linear"
    draft.taskVersion = 2
    draft.toolVersion = "0.1.0"
    draft.commandLine = ["dmt", "eval", "segment", "--seed", "7"]
    draft.model = "vit-tiny/8"
    draft.arm = arm
    draft.checkpoint = FileDigest(name: "student.safetensors", sha256: String(repeating: "0a", count: 32))
    draft.dataset = DatasetSummary(
        name: "scenes", split: "val", contentHash: String(repeating: "b1", count: 32), listedImages: 79,
        scoredImages: 25, classCount: 6)
    draft.settings = [
        ResolvedSetting(key: "head.layers", value: "last 4", origin: "default"),
        ResolvedSetting(key: "seed", value: "7", origin: "command line"),
    ]
    draft.seed = seed
    draft.selectionRule = "last epoch"
    draft.protocolFingerprint = ProtocolFingerprint([
        "input size": "64", "resize filter": "bilinear, half-pixel", "image list": "first 25",
    ])
    var value = MetricValue(
        name: "mIoU", value: miou, unit: .fraction, direction: .higherIsBetter, sampleCount: 25,
        undefinedReason: "no scored pixel")
    if miou != nil {
        value.attach(
            SampledError(
                standardError: 0.0125, interval: Interval(lower: 0.39, upper: 0.44, level: 0.95),
                method: "bootstrap over images, 1000 draws, seed 0"))
    }
    draft.metrics = [
        value,
        MetricValue(name: "loss", value: 1, unit: .number, direction: .lowerIsBetter, sampleCount: 25),
        MetricValue(
            name: "APl", value: nil, unit: .fraction, direction: .higherIsBetter, sampleCount: 0,
            undefinedReason: "no large object"),
    ]
    draft.classTable = ClassTable(
        columns: ["IoU", "pixels"],
        rows: [.init(name: "sky, \"blue\"", values: [0.5, 1200]), .init(name: "=cmd|x", values: [nil, 0])])
    draft.warnings = [RunWarning(code: "few_images", message: "25 images: rare classes swing the mean")]
    draft.timings = [PhaseTiming(phase: "scoring", seconds: 0.25)]
    draft.efficiency = [
        NetworkCost(
            network: "backbone", parameters: 5_717_416, flops: 2.51e9, imageSize: 224, batchSize: 8, precision: "f32",
            threads: 2, forwardBytes: 30 << 20, trainingBytes: nil, imagesPerSecond: 61.5)
    ]
    draft.environment = [EnvironmentFact(key: "cpu", value: "x86-64, avx2")]
    return draft
}

/// A report with every kind of block and text that wants to be markup.
func exampleReport() -> Report {
    var table = ReportTable(
        caption: "Students",
        columns: [
            .init("arm"), .init("mIoU", .right, direction: .higherIsBetter),
            .init("loss", .right, direction: .lowerIsBetter),
        ])
    table.add([.text("scratch"), .number(0.25), .number(1.5)])
    table.add([.text("a|b <i>*x*</i>"), .number(0.41237, digits: 3), .number(0.5)])
    table.add([.text("mean"), .number(nil), .number(0.5)])
    let chart = LineChart(
        title: "Training loss", xLabel: "step", yLabel: "loss",
        series: [
            .init(name: "dmt", points: [.init(0, 2), .init(50, 1), .init(100, 0.5)]),
            .init(name: "a & b", points: [.init(0, 1.5), .init(50, .nan), .init(100, 1)]),
        ])
    let grid = PictureGrid(
        caption: "Segmentation", columnCount: 2,
        pictures: [.init(jpeg: [0xFF, 0xD8, 0xFF], caption: "\"truth\""), .init(jpeg: [1], caption: "prediction")])
    return Report(
        title: "Quickstart <1>", introduction: ["Drawn scenes & small teachers."],
        sections: [
            ReportSection(
                heading: "Results",
                blocks: [.paragraph("All arms, one recipe."), .warning("25 of 79 images"), .table(table)]),
            ReportSection(
                heading: "Curves and pictures",
                blocks: [.chart(chart), .pictures(grid), .verbatim("dmt report ``` <run>")]),
        ])
}
