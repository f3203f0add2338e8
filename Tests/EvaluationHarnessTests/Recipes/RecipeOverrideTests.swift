import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct RecipeOverrideTests {
    private let base = "a: 1\nopt: {rate: 0.1, betas: [0.9, 0.95]}\nheads:\n  - {name: x, lr: 1}\n  - {name: y}\n"

    private func apply(_ arguments: String...) throws -> [String] {
        var root = try YAMLText.parse(Array(base.utf8), file: "f")
        for argument in arguments { root = try RecipeOverride(argument).applied(to: root) }
        return root.leaves().map { "\($0.path)=\($0.node.yaml().trimmingSuffix("\n"))" }
    }

    private func refusal(_ argument: String) -> DataError? {
        #expect(throws: DataError.self) { try apply(argument) }
    }

    @Test func valuesAreSet() throws {
        #expect(
            try apply("opt.rate=1e-3", "heads[0].lr=5", "opt.betas[1]=0.999")
                == [
                    "a=1", "opt.rate=1e-3", "opt.betas[0]=0.9", "opt.betas[1]=0.999", "heads[0].name=x",
                    "heads[0].lr=5",
                    "heads[1].name=y",
                ])
        #expect(try apply("opt=[1, {b: 2}]", "heads=[]") == ["a=1", "opt[0]=1", "opt[1].b=2", "heads=[]"])
        #expect(try apply("a=x=y").first == "a=x=y")
        #expect(try apply("a=").first == "a=")
    }

    @Test func keysAreAddedAndDeleted() throws {
        #expect(try apply("+opt.decay=0.05").contains("opt.decay=0.05"))
        #expect(try apply("+new.deep.key=1").last == "new.deep.key=1")
        #expect(try apply("+heads[2]={name: z}").last == "heads[2].name=z")
        #expect(try apply("~heads[0]", "~opt") == ["a=1", "heads[0].name=y"])
        #expect(try apply("~a=").first == "opt.rate=0.1")
    }

    @Test func wrongPlacesAreRefused() throws {
        #expect(refusal("opt.rat=1")?.remedy.hasPrefix("did you mean 'rate'?") == true)
        #expect(refusal("zzz=1")?.remedy == "write +zzz=value to add a key")
        #expect(refusal("~opt.none")?.kind == .configuration)
        #expect(refusal("+a=2")?.found == "a key that exists")
        #expect(refusal("heads[5].lr=1")?.expected == "an index below 2")
        #expect(refusal("heads[-1].lr=1") != nil)
        #expect(refusal("a.b=1")?.expected == "a map of keys")
        #expect(refusal("opt[0]=1")?.expected == "a list")
        for broken in ["a", "=1", "a..b=1", "a[x]=1", "a[0=1", "a[0]x=1", "+a", "~"] {
            #expect(refusal(broken)?.kind == .configuration, "\(broken)")
        }
        #expect(refusal("a=[1")?.expected == "a YAML document")
    }

    @Test func changedValuesSayCommandLine() throws {
        let root = try RecipeOverride("opt={rate: 1}").applied(to: try YAMLText.parse(Array(base.utf8), file: "f"))
        #expect(root.leaves().first { $0.path == "opt.rate" }?.node.origin == .commandLine)
        #expect(root["a"]?.origin == .file("f", line: 1))
    }
}
