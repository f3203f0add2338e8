import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct YAMLTextTests {
    private func parse(_ text: String) throws -> RecipeNode { try YAMLText.parse(Array(text.utf8), file: "a.yaml") }

    private func refusal(_ text: String) -> DataError? {
        do {
            _ = try parse(text)
            return nil
        } catch { return error as? DataError }
    }

    @Test func scalarsStayText() throws {
        let root = try parse("a: 1e-3\nb: on\nc: '1'\nd: ~\ne: 1:30\nf: 0x10\ng: no\nh: null\n")
        #expect(root.leaves().map(\.path) == ["a", "b", "c", "d", "e", "f", "g", "h"])
        #expect(
            root["b"]?.content.plain == "on" && root["e"]?.content.plain == "1:30" && root["g"]?.content.plain == "no")
        #expect(root["c"]?.plainText == nil && root["c"]?.text == "1")
        #expect(root["d"]?.isNull == true && root["h"]?.isNull == true)
    }

    @Test func originsAreTheLinesOfKeys() throws {
        let root = try parse("# comment\na: 1\nb:\n  c: [1,\n      2]\n  d:\n    - x\n    - y: 3\n")
        let origins = root.leaves().map { "\($0.path) \($0.node.origin)" }
        #expect(
            origins == [
                "a a.yaml:2", "b.c[0] a.yaml:4", "b.c[1] a.yaml:5", "b.d[0] a.yaml:7", "b.d[1].y a.yaml:8",
            ])
        #expect(root["b"]?.origin == .file("a.yaml", line: 3))
    }

    @Test func brokenTextNamesItsLine() throws {
        let error = try #require(refusal("a: 1\nb: [1, 2\nc: 3\n"))
        #expect(
            error.kind == .configuration && error.record?.hasPrefix("line ") == true && error.found.contains("flow"))
        #expect(refusal("a: 1\na: 2\n")?.found == "twice the key a")
        #expect(refusal("a: !!python/object:os.system x\n")?.expected == "values without tags")
        #expect(refusal("? a\n: 1\n? !b a\n: 2\n")?.record == "line 3")
        #expect(refusal("? [1, 2]\n: x\n")?.expected == "a name as key")
        #expect(refusal("a: 1\n---\nb: 2\n") != nil)
        #expect(refusal("a: \u{0}\n")?.found == "a NUL byte")
        let notUTF8 = #expect(throws: DataError.self) { try YAMLText.parse([0x61, 0x3A, 0x20, 0xFF], file: "a") }
        #expect(notUTF8?.expected == "UTF-8 text")
    }

    @Test func aliasesAreRefusedBeforeAnyTreeIsBuilt() throws {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let items = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            bomb += "a\(level): &a\(level) [\(items)]\n"
        }
        let clock = ContinuousClock()
        var error: DataError?
        let time = clock.measure { error = refusal(bomb) }
        #expect(error?.found == "the alias *a0" && error?.record == "line 2")
        #expect(time < .seconds(1))
        #expect(refusal("a: &x {b: 1}\nc: {<<: *x}\n")?.found == "the alias *x")
        #expect(refusal("a: &x 1\nb: {\"k\":*x}\n") != nil)
        #expect(refusal("? &k [1]\n: 1\n? *k\n: 2\n")?.found == "the alias *k")
        // An anchor alone, an ampersand and an asterisk in text are no alias.
        #expect(refusal("a: &x 1\nb: 2 * 3\nc: R&D *new*\nd: 2*x\n") == nil)
    }

    /// Overrides can bring an ampersand and an asterisk of one name together, in keys and in texts.
    @Test(arguments: ["+ a *k &k=1", "a=\"&k\"", "+b=x &k", "+b=\"\u{E9}&k\"", "+b=R&k"])
    func referencesThatAreTextReadBack(_ change: String) throws {
        let root = try RecipeOverride(change).applied(to: try parse("a: 1\nc: 2 *k\nd: 3*k\n"))
        for withOrigins in [false, true] {
            let text = root.yaml(withOrigins: withOrigins)
            #expect(try parse(text).hasSameValue(as: root), "\(text)")
        }
    }

    @Test func namesOfFilesStayInTheirComments() throws {
        let root = try YAMLText.parse(Array("a: 1\nb: x *k\n".utf8), file: "runs &k\nc: 3/a.yaml")
        #expect(try parse(root.yaml(withOrigins: true)).hasSameValue(as: root))
    }

    @Test func sizeAndDepthAreBounded() throws {
        #expect(
            refusal(String(repeating: "#", count: YAMLLimits.maximalBytes + 1))?.expected.hasPrefix("at most") == true)
        #expect(refusal("a: " + String(repeating: "[", count: 100_000)) != nil)
        #expect(refusal(String(repeating: "- ", count: 100_000)) != nil)
        var deep = ""
        for level in 0..<400 { deep += String(repeating: " ", count: level) + "k:\n" }
        #expect(refusal(deep)?.found == "201 columns")
        // Deep, but inside the limits.
        let brackets = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
        #expect(refusal("a: \(brackets)") == nil)
    }

    @Test func keysAreBounded() throws {
        let key = String(repeating: "k", count: YAMLLimits.maximalKeyBytes)
        #expect(refusal("\(key): 1\n") == nil)
        #expect(refusal("\(key)k: 1\n")?.found == "129")
        // Control characters, six characters each once they are escaped.
        let control = String(repeating: "\u{1}", count: YAMLLimits.maximalKeyBytes)
        let root = try RecipeOverride("+\(control)=1").applied(to: try parse("a: 1\n"))
        #expect(try parse(root.yaml()).hasSameValue(as: root))
        #expect(throws: DataError.self) { try RecipeOverride("+\(control)k=1") }
    }

    /// As values, and those at the borders of what may stand unescaped as keys.
    @Test func everyCharacterReadsBack() throws {
        for start in stride(from: UInt32(0), to: 0x11_0000, by: 2048) {
            var text = "x"
            text.unicodeScalars.append(contentsOf: (start..<start + 2048).compactMap(Unicode.Scalar.init))
            let value = RecipeNode(.scalar(text, isQuoted: true), origin: .commandLine)
            let tree = RecipeNode(.map([(key: "a", value: value)]), origin: .commandLine)
            #expect(try parse(tree.yaml()).hasSameValue(as: tree), "from \(String(start, radix: 16))")
        }
        for value: UInt32 in [
            0, 0x1F, 0x7F, 0x80, 0x85, 0x9E, 0x9F, 0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF,
        ] {
            let root = try RecipeOverride("+k\(Unicode.Scalar(value)!)=1").applied(to: try parse("a: 1\n"))
            #expect(try parse(root.yaml()).hasSameValue(as: root), "a key with \(String(value, radix: 16))")
        }
    }

    @Test func emptyTextIsNothing() throws {
        #expect(try parse("").isNull)
        #expect(try parse("# only a comment\n").isNull)
    }

    @Test func writtenTextReadsBackEqual() throws {
        let source = """
            name: "a: b # c"
            plain: some words, and more
            dash: "- x"
            empty: ""
            null1: ~
            quotedNull: "null"
            number: 1e-3
            quotedNumber: "1e-3"
            "odd key: x": 1
            lines: |
              first
              second "quoted" \\ back
            unicode: "gr\u{FC}n \u{2028} \u{1F600}"
            accents: na\u{EF}ve
            colon: :x \u{5D0}
            combined: a:\u{301} b
            several: first

              second
            list: [1, [2, 3], {a: 1, b: []}, {}]
            nested:
              - - 1
                - 2
              - a: 1
                b:
                  c: 2
            """
        let root = try parse(source)
        for withOrigins in [false, true] {
            let text = root.yaml(withOrigins: withOrigins)
            #expect(try parse(text).hasSameValue(as: root), "\(text)")
        }
        #expect(
            root.yaml(withOrigins: true).contains("number: 1e-3") && root.yaml(withOrigins: true).contains("# a.yaml:7")
        )
    }
}

extension RecipeNode.Content {
    fileprivate var plain: String? { if case .scalar(let text, isQuoted: false) = self { text } else { nil } }
}
