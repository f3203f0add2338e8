import Foundation
import JSONText
import Testing

/// The built program from the outside. Skipped, with a message, where it is not built beside the tests.
@Suite(.enabled(if: SourceCheckout.program != nil, "skipped: no built dmt beside the tests"))
struct CommandLineTests {
    private func dmt(
        _ arguments: String..., environment: [String: String] = [:]
    ) throws -> BuiltProgram.Outcome {
        try BuiltProgram.run(arguments, environment: environment)
    }

    @Test func helpListsEveryVerbAndVersionIsAVersion() throws {
        let help = try dmt("--help")
        #expect(help.code == 0 && help.err.isEmpty)
        for verb in ["data", "score", "recipes", "doctor"] { #expect(help.out.contains("\n  \(verb) "), "\(verb)") }
        let version = try dmt("--version")
        #expect(version.code == 0 && version.out.split(separator: ".").count == 3)
    }

    @Test func usageErrorsAre64AndSuggest() throws {
        let verb = try dmt("data", "scenes", "--out", "x", "--trian", "3")
        #expect(verb.code == 64 && verb.out.isEmpty && verb.err.contains("Did you mean '--train'"))
        #expect(try dmt("doctor", "--threads", "0").code == 64)
        #expect(try dmt("nonsense").code == 64)
    }

    @Test func doctorPrintsOneDocument() throws {
        let doctor = try dmt("doctor", "--json")
        #expect(doctor.code == 0, "\(doctor.err)")
        let document = try JSONValue.parse(doctor.out, file: "doctor")
        #expect(try #require(document["peak_gflops_per_core"]?.double) > 0.1)
        #expect(document["environment"]?["cpu_path"]?.string != nil)
        let plain = try dmt("doctor", environment: ["DMT_CPU": "plain"])
        #expect(plain.code == 0 && plain.out.contains("cpu_path: plain") && plain.out.hasSuffix("```\n"))
        let wrong = try dmt("doctor", environment: ["DMT_CPU": "warp"])
        #expect(wrong.code == 78 && wrong.err.hasPrefix("dmt: DMT_CPU: expected one of plain, avx2, avx512"))
    }

    @Test func scenesAreDrawnVerifiedAndScored() throws {
        try withTemporaryFolder { folder in
            let scenes = folder + "/scenes"
            let drawn = try dmt(
                "data", "scenes", "--out", scenes, "--train", "24", "--val", "20", "--size", "48", "--json")
            #expect(drawn.code == 0, "\(drawn.err)")
            #expect(try JSONValue.parse(drawn.out, file: "out")["images"]?["val"]?.int == 20)
            #expect(try dmt("data", "scenes", "--out", scenes).code == 73)
            let verified = try dmt("data", "verify", scenes, "--json")
            #expect(verified.code == 0 && verified.err.contains("verify: 8 splits"), "\(verified.err)")
            #expect(try JSONValue.parse(verified.out, file: "out")["findings"]?.int == 0)
            #expect(try dmt("data", "verify", scenes, "-q").err.isEmpty)
            let labels = scenes + "/ADEChallengeData2016/annotations/validation"
            let score = try dmt(
                "score", "semseg", "--gt", labels, "--pred", labels, "--classes", "14", "--reduce-zero-label", "--json")
            let metrics = try #require(JSONValue.parse(score.out, file: "out")["metrics"]?.array)
            #expect(metrics.first { $0["name"]?.string == "mIoU" }?["value"]?.double == 1)
            try FileManager.default.removeItem(atPath: scenes + "/coco/val/000000000002.jpg")
            let broken = try dmt("data", "verify", scenes)
            #expect(broken.code == 65 && broken.out.contains("000000000002.jpg") && broken.err.contains("dmt: "))
        }
    }

    @Test func inputErrorsHaveTheirCodes() throws {
        try withTemporaryFolder { folder in
            #expect(try dmt("data", "info", folder + "/none").code == 66)
            #expect(try dmt("score", "semseg", "--gt", folder + "/a", "--pred", folder, "--classes", "2").code == 66)
            try write("a: *x\nb: &x 1\n", to: folder + "/r.yaml")
            let recipe = try dmt("recipes", "show", folder + "/r.yaml")
            #expect(recipe.code == 78 && recipe.out.isEmpty && recipe.err.contains("the alias *x"))
            #expect(recipe.err.hasSuffix("\n") && recipe.err.split(separator: "\n").count == 1)
        }
    }

    @Test func recipesShowOriginsAndOverrides() throws {
        try withTemporaryFolder { folder in
            try write("optimizer: {rate: 0.1}\n", to: folder + "/base.yaml")
            try write("extends: base\nname: mine\n", to: folder + "/r.yaml")
            let shown = try dmt("recipes", "show", folder + "/r.yaml", "optimizer.rate=1e-3", "+epochs=5")
            #expect(shown.code == 0, "\(shown.err)")
            let lines = shown.out.split(separator: "\n").map {
                $0.split(separator: " ", omittingEmptySubsequences: true)
            }
            #expect(lines[1].joined(separator: " ") == "rate: 1e-3 # command line")
            #expect(lines[2].joined(separator: " ") == "name: mine # \(folder)/r.yaml:2")
            let document = try JSONValue.parse(
                try dmt("recipes", "show", folder + "/r.yaml", "~name", "--json").out, file: "out")
            #expect(document["settings"]?.array?.count == 1 && document["hash"]?.string?.count == 64)
        }
    }

    @Test func fullOutputsAreNoSuccess() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(SourceCheckout.program))
        process.arguments = ["doctor"]
        guard let full = FileHandle(forWritingAtPath: "/dev/full") else { return }
        process.standardOutput = full
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 74)
    }
}
