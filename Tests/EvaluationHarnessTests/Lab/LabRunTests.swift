import JSONText
import SafeFiles
import Testing

@testable import EvaluationHarness

/// A lab of seconds, run by the built program: whole, and stopped and continued.
@Suite(.enabled(if: SourceCheckout.program != nil, "skipped: no built dmt beside the tests"))
struct LabRunTests {
    private static let recipe = """
        extends: lab
        name: tiny
        seeds: [0, 1]
        scenes: {train: 24, val: 8, size: 96, seed: 3, labelled: 8}
        teachers: []
        distill:
          recipe: distill-scenes
          overrides: [training.steps=3, training.batch=4, training.warmup_steps=1, views.limit=8,
            student.width=16, student.depth=4, student.heads=2]
        arms:
          - {name: mae, role: single, start: distill, overrides: ["fusion={kind: single, teacher: mae}"]}
          - {name: self, role: control, start: pretrain, method: mae, overrides: [training.steps=2, training.batch=4,
              training.warmup_steps=1, backbone.width=16, backbone.depth=4, backbone.heads=2]}
          - {name: dmt, role: several, start: distill}
        stages:
          - name: segment
            train: segment
            recipe: segment-scenes
            overrides: [training.steps=3, training.batch=2, training.warmup=1, head.channels=8]
            eval: segment
            metrics: {mIoU: mIoU}
          - {name: knn, eval: knn, arguments: ["--k", "3"], metrics: {knn_top1: knn_top1}}
        """

    private func run(_ arguments: [String], stopAfter seconds: Double? = nil) throws -> BuiltProgram.Outcome {
        try BuiltProgram.run(["reproduce", "lab"] + arguments, stopAfter: seconds)
    }

    @Test func aStoppedLabGoesOnToTheSameTable() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/tiny.yaml"
            try AtomicFile.write(Self.recipe, to: file)
            let empty = try run(["--recipe", file, "--out", folder + "/none", "--json"])
            #expect(empty.code == 0 && !Folder.exists(folder + "/none"), "\(empty.err)")
            let none = try JSONValue.parse(empty.out, file: "none")
            #expect(none["filled"]?.int == 0 && none["cells"]?.int == 12)

            let whole = try run(["--run", "--recipe", file, "--out", folder + "/whole", "--json", "-q"])
            #expect(whole.code == 0, "\(whole.err)")
            let document = try JSONValue.parse(whole.out, file: "whole")
            #expect(document["filled"]?.int == 12)
            // One arm of several teachers against two others in two columns.
            #expect(document["comparisons"]?.array?.count == 4)
            let table = try FileBytes.read(folder + "/whole/table.json", limit: 1 << 20)
            let rows = try #require(try JSONValue.parse(table, file: "table").array)
            #expect(rows.count == 12 && rows.allSatisfy { $0["run_hash"]?.string?.count == 64 })

            var calls = 0
            while calls < 20 {
                let part = try run(
                    ["--run", "--recipe", file, "--out", folder + "/parts", "-q", "--threads", "1"],
                    stopAfter: calls < 3 ? 0.8 : nil)
                calls += 1
                if part.code == 0 { break }
                #expect(part.code == 143 && part.err.contains("--run --recipe"), "\(part.err)")
            }
            #expect(try FileBytes.read(folder + "/parts/table.json", limit: 1 << 20) == table)
            let again = try run(["--run", "--recipe", file, "--out", folder + "/whole", "-q"])
            #expect(again.code == 0)
            let changed = try run(["--run", "--recipe", file, "--out", folder + "/whole", "-q", "scenes.val=9"])
            #expect(changed.code == 78 && changed.err.contains("choose another --out"), "\(changed.err)")
        }
    }

    @Test func aFailedJobIsNamedAndTheOthersRun() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/tiny.yaml"
            try AtomicFile.write(Self.recipe, to: file)
            let out = folder + "/lab"
            let failed = try run([
                "--run", "--recipe", file, "--out", out, "-q", "seeds=[0]", "stages[1].arguments=[--k, '9999']",
            ])
            #expect(failed.code == 73 && failed.err.contains("mae-s0-knn (exit 78)"), "\(failed.err)")
            #expect(FileBytes.exists(out + "/jobs/dmt-s0-segment.json"))
            #expect(!FileBytes.exists(out + "/jobs/dmt-s0-knn.json"))
        }
    }
}
