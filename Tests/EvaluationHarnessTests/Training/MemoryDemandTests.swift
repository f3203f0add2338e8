import SafeFiles
import TensorCore
import Testing

@testable import EvaluationHarness

@Suite("Memory that a training asks for")
struct MemoryDemandTests {
    private let demand = MemoryDemand(
        fixedBytes: 100 << 20, pictureBytes: 50 << 20, batch: 12, recipeBatch: 12, held: 12,
        key: MemoryDemand.key(of: nil))

    private func bound(_ mebibytes: Int) -> AvailableMemory {
        AvailableMemory(bytes: mebibytes << 20, source: "by --memory")
    }

    @Test("what does not fit is refused, with the largest part that does")
    func refusal() throws {
        #expect(demand.bytes == (96 + 100 + 600) << 20)
        try demand.assertFits(bound(796), recipe: "r")
        let error = try #require(throws: DataError.self) { try demand.assertFits(bound(795), recipe: "r") }
        #expect(error.kind == .configuration && error.expected == "at most 795 MiB (by --memory)")
        #expect(error.remedy.hasPrefix("+training.micro_batch=6 would take about 496 MiB, or --memory any"))
        // 4 of 12: five do not divide it.
        #expect(demand.largestPart(within: (196 + 299) << 20) == 4)
        #expect(demand.largestPart(within: 200 << 20) == nil)
        let none = try #require(throws: DataError.self) { try demand.assertFits(bound(200), recipe: "r") }
        #expect(none.remedy.hasPrefix("choose a smaller model or picture, or"))
        #expect(MemoryDemand.key(of: 4) == "training.micro_batch")
        // A data set of 12 pictures and a recipe of 16: a part divides both.
        var small = demand
        small.recipeBatch = 16
        #expect(small.largestPart(within: bound(795).bytes) == 4)
        var canvases = demand
        canvases.unit = 4
        #expect(canvases.largestPart(within: bound(795).bytes) == 4)
    }

    @Test("the built program refuses a training, a distillation and a pretraining, and writes nothing")
    func program() throws {
        try #require(SourceCheckout.program != nil, "no built dmt beside the tests")
        try withTemporaryFolder { folder in
            func dmt(_ arguments: [String]) throws -> BuiltProgram.Outcome {
                try BuiltProgram.run(arguments + ["--threads", "1"], environment: [:])
            }
            let scenes = folder + "/scenes"
            #expect(
                try dmt(["data", "scenes", "--out", scenes, "--train", "8", "--val", "4", "--size", "32"]).code == 0)
            let backbone = "backbone={image_size: 32, patch_size: 8, width: 16, depth: 1, heads: 2, position: learned}"
            let train = [
                "train", "segment", "--recipe", "segment-scenes", "training.steps=2", "training.batch=8",
                "training.warmup=1", backbone, "head.channels=8", "views.crop=32", "views.short_side=32",
            ]
            let pretrain = [
                "pretrain", "ibot", "training.steps=2", "training.batch=4", "training.warmup_steps=1",
                "backbone.image_size=32", "backbone.width=32", "backbone.depth=1", "backbone.heads=2",
            ]
            for (name, arguments) in [("train", train), ("pretrain", pretrain)] {
                let out = "\(folder)/\(name)"
                let refused = try dmt(arguments + ["--data", scenes, "--out", out, "--memory", "30MiB"])
                #expect(refused.code == 78 && refused.err.contains("found an estimate of"), "\(refused.err)")
                #expect(!FileBytes.exists(out))
                let run = try dmt(arguments + ["--data", scenes, "--out", out])
                #expect(run.code == 0 && run.err.contains("memory: an estimated"), "\(run.err)")
                let again = try dmt(arguments + ["--data", scenes, "--out", out + "-any", "--memory", "any"])
                #expect(again.code == 0 && !again.err.contains("memory: an estimated"), "\(again.err)")
            }
            #expect(try dmt(train + ["--data", scenes, "--memory", "lots"]).code == 64)
        }
    }
}
