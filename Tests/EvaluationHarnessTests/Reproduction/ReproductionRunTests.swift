import JSONText
import SafeFiles
import Testing

@testable import EvaluationHarness

/// A table of seconds, filled by the built program.
@Suite(.enabled(if: SourceCheckout.program != nil, "skipped: no built dmt beside the tests"))
struct ReproductionRunTests {
    private static let train = """
        extends: segment-scenes
        name: tiny-head
        training: {steps: 3, batch: 2, warmup: 1}
        head: {channels: 8}
        """
    private static let start = """
        extends: distill-scenes
        name: tiny-start
        student: {width: 16, depth: 4, heads: 2}
        training: {steps: 3, batch: 4, warmup_steps: 1}
        views: {limit: 8}
        """
    private static let table = """
        name: tiny
        title: Tiny
        task: segment
        data: scenes
        images: 8
        columns: {mIoU: {scale: 100}}
        groups:
          - title: Students
            one_recipe: true
            rows:
              - method: distilled
                run: {arm: dmt, start: {distill: start.yaml}, train: head.yaml}
              - method: published
                run: {arm: mae, start: {published: absent.pth, source: mae}, train: head.yaml}
        """

    @Test func missingRunsAreMadeOnceAndWhatIsMissingForOthersIsNamed() throws {
        try withTemporaryFolder { folder in
            try write(Self.train, to: folder + "/head.yaml")
            try write(Self.start, to: folder + "/start.yaml")
            try write(Self.table, to: folder + "/tiny.yaml")
            let scenes = folder + "/scenes"
            #expect(
                try BuiltProgram.run([
                    "data", "scenes", "--out", scenes, "--train", "24", "--val", "8", "--size", "96", "-q",
                ]).code == 0)
            try Folder.create(folder + "/runs")
            func reproduce(_ arguments: String...) throws -> BuiltProgram.Outcome {
                try BuiltProgram.run(["reproduce", folder + "/tiny.yaml", "--runs", folder + "/runs"] + arguments)
            }
            let empty = try reproduce()
            #expect(empty.code == 0 && empty.out.contains("no run"), "\(empty.err)")

            let plan = try reproduce("--plan", "--seeds", "0,1", "--json")
            let planned = try JSONValue.parse(plan.out, file: "plan")
            #expect(planned["runs"]?.array?.count == 4)
            #expect(
                planned["missing"]?.array?.compactMap(\.string) == [
                    "--data scenes=FOLDER", "--teachers FOLDER with absent.pth",
                ])
            let words = try reproduce("--plan")
            #expect(words.out.contains("To be given:") && words.out.contains("dmt distill --recipe"), "\(words.out)")

            let refused = try reproduce("--run")
            #expect(refused.code == 66 && refused.err.contains("--teachers FOLDER with absent.pth"), "\(refused.err)")

            let filled = try reproduce("--run", "--data", "scenes=\(scenes)", "--json")
            #expect(filled.code == 0, "\(filled.err)")
            #expect(filled.err.contains("published: not run, needs --teachers FOLDER with absent.pth"), "\(filled.err)")
            let document = try JSONValue.parse(filled.out, file: "table")
            #expect(document["cells"]?.int == 2 && document["filled"]?.int == 1)
            let done = try FileBytes.read(folder + "/runs/reproduce/jobs/dmt-segment-head-s0.json", limit: 1 << 20)
            // Nothing is left to do, and nothing is done again.
            let again = try reproduce("--run", "--data", "scenes=\(scenes)")
            #expect(again.code == 66, "\(again.err)")
            #expect(
                try FileBytes.read(folder + "/runs/reproduce/jobs/dmt-segment-head-s0.json", limit: 1 << 20) == done)

            let page = folder + "/table.tex"
            #expect(try reproduce("--out", page).code == 0)
            #expect(try text(of: page).contains("\\toprule"))
        }
    }

    @Test func wrongArgumentsAreUsageErrors() throws {
        #expect(try BuiltProgram.run(["reproduce", "coco", "training.steps=3"]).code == 64)
        #expect(try BuiltProgram.run(["reproduce", "coco", "--seeds", "0,x"]).code == 64)
        #expect(try BuiltProgram.run(["reproduce", "coco", "--measure"]).code == 64)
        #expect(try BuiltProgram.run(["reproduce", "lab", "--runs", "x"]).code == 64)
        #expect(try BuiltProgram.run(["reproduce", "coco", "--json", "--format", "html"]).code == 64)
        #expect(try BuiltProgram.run(["reproduce", "coco", "--runs", "/absent"]).code == 66)
        #expect(try BuiltProgram.run(["reproduce", "coc"]).code == 66)
        for table in ["imagenet", "coco", "ade20k", "efficiency"] {
            let outcome = try BuiltProgram.run(["reproduce", table])
            #expect(outcome.code == 0 && outcome.out.contains("no run"), "\(table): \(outcome.err)")
        }
    }
}
