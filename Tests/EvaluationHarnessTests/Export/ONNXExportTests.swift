import SafeFiles
import TensorCore
import Testing
import VisionBackbones

@testable import EvaluationHarness

/// The numbers of exported files are compared by `Tests/Fixtures/onnx/check_onnx.py`; here are form and refusals.
@Suite("ONNX export") struct ONNXExportTests {
    static let heads: [SegmentationHeadKind] = SegmentationHeadKind.allCases

    private func segmenter(_ head: SegmentationHeadKind, taps: [Int] = []) throws -> SegmentationModel {
        var architecture = SegmentationArchitecture()
        architecture.head = head
        architecture.channels = 8
        architecture.taps = taps
        architecture.classCount = 5
        architecture.shortSide = 64
        return try SegmentationModel(backbone: DrawnScenes.backbone(), architecture: architecture, seed: 1)
    }

    /// Every input exists before it is read, no name is given twice, nothing is without use.
    private func check(_ graph: ONNXGraph) {
        var known = Set(graph.inputs.map(\.name) + graph.constants.map(\.name))
        #expect(known.count == graph.inputs.count + graph.constants.count)
        var read = Set(graph.outputs.map(\.name))
        for node in graph.nodes {
            for input in node.inputs where !input.isEmpty {
                #expect(known.contains(input), "\(node.operation) \(node.output) reads \(input)")
                read.insert(input)
            }
            #expect(known.insert(node.output).inserted, "\(node.output) is given twice")
        }
        #expect(known.subtracting(read).isEmpty, "without use: \(known.subtracting(read).sorted())")
    }

    private func network(_ file: String, size: Int? = nil, source: CheckpointSource? = nil) throws -> ONNXNetwork {
        try ONNXNetwork(file, size: size, source: source, heads: source == nil ? nil : 3)
    }

    private func fixture(_ name: String) throws -> String {
        try #require(SourceCheckout.folder) + "/Tests/Fixtures/vit/" + name
    }

    @Test(
        "backbones of every form give whole graphs with two outputs",
        arguments: [
            ("dinov2.safetensors", CheckpointSource.dinov2, 28), ("beit.safetensors", .beit, 16),
            ("timm-registers.safetensors", .timm, 16), ("mae-layout.pth", .mae, 24),
        ])
    func backbones(name: String, source: CheckpointSource, size: Int) throws {
        let network = try network(try fixture(name), size: size, source: source)
        check(network.graph)
        #expect(network.graph.inputs.map(\.shape) == [[nil, 3, size, size]])
        #expect(network.graph.outputs.map(\.name) == ["class_token", "patches"])
        #expect(network.graph.constants.contains { $0.name == "blocks.0.attn.qkv.weight" })
        #expect(network.metadata.contains { $0.key == "dmt.source" && $0.value == source.rawValue })
    }

    @Test("segmentation models give whole graphs without the auxiliary head", arguments: heads, [[], [0, 1, 2, 3]])
    func segmentation(head: SegmentationHeadKind, taps: [Int]) throws {
        try withTemporaryFolder { folder in
            let file = folder + "/model.safetensors"
            try segmenter(head, taps: taps).save(to: file)
            for size in [64, 96] {
                let network = try network(file, size: size)
                check(network.graph)
                #expect(network.graph.outputs.map(\.shape) == [[nil, 5, size, size]])
                #expect(network.graph.constants.contains { $0.name == "decode_head.conv_seg.weight" })
                #expect(!network.graph.constants.contains { $0.name.hasPrefix("auxiliary_head.") })
            }
        }
    }

    @Test("classifiers give whole graphs")
    func classification() throws {
        for pooling in ["classToken", "meanPatches", "classTokenAndMeanPatches"] {
            for norm in ["none", "layer", "batch"] {
                try withTemporaryFolder { folder in
                    var architecture = ClassificationArchitecture()
                    architecture.classCount = 7
                    architecture.size = 64
                    architecture.pooling = try #require(.init(rawValue: pooling))
                    architecture.norm = try #require(.init(rawValue: norm))
                    let model = try ClassificationModel(
                        backbone: DrawnScenes.backbone(), architecture: architecture, seed: 1)
                    try model.save(to: folder + "/model.safetensors")
                    let network = try network(folder + "/model.safetensors")
                    check(network.graph)
                    #expect(network.graph.outputs.map(\.shape) == [[nil, 7]])
                }
            }
        }
    }

    @Test("two exports of one model are equal byte for byte; no file is overwritten")
    func bytes() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/model.safetensors"
            try segmenter(.upernet).save(to: file, metadata: ["z": "1", "a": "2"])
            let outcome = try ONNXExport().run(file, to: folder + "/a.onnx")
            try ONNXExport().run(file, to: folder + "/b.onnx")
            let bytes = try FileBytes.read(folder + "/a.onnx", limit: 1 << 24)
            #expect(bytes == (try FileBytes.read(folder + "/b.onnx", limit: 1 << 24)))
            #expect(bytes.count == outcome.byteCount && outcome.size == 64 && outcome.kind == "segmentation")
            #expect(throws: DataError.self) { try ONNXExport().run(file, to: folder + "/a.onnx") }
        }
    }

    @Test("other kinds, sizes and operator sets are refused with what would do")
    func refusals() throws {
        try withTemporaryFolder { folder in
            func refusal(_ file: String, _ export: ONNXExport = ONNXExport()) throws -> String {
                let error = #expect(throws: DataError.self) { try export.run(file, to: folder + "/no.onnx") }
                #expect(!FileBytes.exists(folder + "/no.onnx"))
                return error.map { "\($0)" } ?? ""
            }
            var architecture = DetectionArchitecture()
            architecture.size = 64
            architecture.classCount = 2
            architecture.categoryIDs = [1, 2]
            let detector = try DetectionModel(
                backbone: DetectionBackbone(DrawnScenes.backbone()), architecture: architecture, seed: 1)
            try detector.save(to: folder + "/detector.safetensors")
            let kind = try refusal(folder + "/detector.safetensors")
            #expect(kind.contains("vit, segmentation or classification") && kind.contains("found detection"), "\(kind)")
            try segmenter(.upernet).save(to: folder + "/model.safetensors")
            var export = ONNXExport()
            export.size = 60
            #expect(try refusal(folder + "/model.safetensors", export).contains("multiple of the patch size 8"))
            export.size = 24
            #expect(try refusal(folder + "/model.safetensors", export).contains("at least 32"))
            export.size = nil
            export.opset = 16
            #expect(try refusal(folder + "/model.safetensors", export).contains("17...20"))
            export = ONNXExport()
            export.source = .beit
            export.heads = 3
            export.size = 32
            #expect(try refusal(try fixture("beit.safetensors"), export).contains("relative positions"))
            #expect(try refusal(try fixture("dinov2.safetensors")).contains("dmt.architecture"))
            #expect(throws: Never.self) { try ONNXExport.checkSize(Int(Int32.max), "a.onnx") }
            #expect(throws: DataError.self) { try ONNXExport.checkSize(Int(Int32.max) + 1, "a.onnx") }
        }
    }
}
