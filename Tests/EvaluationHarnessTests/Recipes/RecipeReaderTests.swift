import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct RecipeReaderTests {
    private enum Pass: String, CaseIterable { case forward, train }

    private func reader(_ text: String) throws -> RecipeReader {
        RecipeReader(try YAMLText.parse(Array(text.utf8), file: "r.yaml"), file: "r.yaml")
    }

    private func refusal(_ body: () throws -> Void) -> DataError? { #expect(throws: DataError.self) { try body() } }

    @Test func valuesAreReadByType() throws {
        let r = try reader(
            "i: 1_000\nd: 1e-3\nt: text\nb: true\nu: 18446744073709551615\nl: [1, 2.5]\np: train\nm: {x: 1}\nn: ~\n")
        #expect(try r.value("i") == 1000)
        #expect(try r.value("d") == 1e-3)
        #expect(try r.value("i", as: Double.self) == 1000)
        #expect(try r.value("t") == "text")
        #expect(try r.value("b") == true)
        #expect(try r.value("u", as: UInt64.self) == .max)
        #expect(try r.value("l") == [1, 2.5])
        #expect(try r.choice("p", as: Pass.self) == .train)
        #expect(try r.choice("q", default: Pass.forward) == .forward)
        #expect(try r.map("m").int("x", in: 0...3) == 1)
        #expect(try r.value("n", default: 7) == 7)
        #expect(try r.optional("absent", as: Int.self) == nil)
        #expect(try r.optionalMap("none") == nil && r.maps("none").isEmpty)
        try r.assertAllKeysRead()
    }

    @Test func typeErrorsNamePlaceAndExpectation() throws {
        let r = try reader("a: 1\nb: yes\nc: '5'\nd: {e: x}\nl: [1, x]\nf: nan\ng: 1.5\n")
        let error = try #require(refusal { _ = try r.value("b", as: Bool.self) })
        #expect(
            error.description == "r.yaml:2, b: expected true or false, found 'yes'; correct the value."
                && error.kind == .configuration)
        #expect(refusal { _ = try r.value("c", as: Int.self) }?.found == "the text \"5\"")
        #expect(refusal { _ = try r.map("d").value("e", as: Double.self) }?.record == "d.e")
        #expect(refusal { _ = try r.value("l", as: [Int].self) }?.expected == "a list, each a whole number")
        #expect(refusal { _ = try r.value("f", as: Double.self) } != nil)
        #expect(refusal { _ = try r.value("g", as: Int.self) } != nil)
        #expect(refusal { _ = try r.map("a") }?.expected == "a map of keys")
        #expect(refusal { _ = try r.maps("a") }?.expected == "a list of maps")
        #expect(refusal { _ = try r.int("a", in: 2...9) }?.expected == "2 to 9")
        #expect(refusal { _ = try r.value("zz", as: Int.self) }?.found == "nothing")
    }

    @Test func choicesAndMissingKeysSuggest() throws {
        let r = try reader("pass: trian\nepoch: 3\n")
        #expect(refusal { _ = try r.choice("pass", as: Pass.self) }?.remedy == "did you mean 'train'?")
        #expect(refusal { _ = try r.value("epochs", as: Int.self) }?.remedy == "is 'epoch' meant to be 'epochs'?")
    }

    @Test func unknownKeysAreErrorsAtAnyDepth() throws {
        let r = try reader("a: 1\nm: {x: 1, lerning_rate: 2}\nl: [{k: 1}, {k: 2, j: 3}]\n")
        _ = try r.value("a", as: Int.self)
        let m = try r.map("m")
        _ = try m.value("x", as: Int.self)
        _ = try m.optional("learning_rate", as: Double.self)
        let first = refusal { try r.assertAllKeysRead() }
        #expect(first?.record == "l" && first?.file == "r.yaml:3")
        for item in try r.maps("l") { _ = try item.value("k", as: Int.self) }
        let deep = refusal { try r.assertAllKeysRead() }
        #expect(deep?.record == "m.lerning_rate" && deep?.remedy == "did you mean 'learning_rate'?")
        _ = try m.value("lerning_rate", as: Int.self)
        #expect(refusal { try r.assertAllKeysRead() }?.record == "l[1].j")
    }

    @Test func spellingCountsEdits() {
        #expect(Spelling.distance(Array("kitten"), Array("sitting")) == 3)
        #expect(Spelling.distance(Array("ab"), Array("ba")) == 1)
        #expect(Spelling.distance(Array(""), Array("abc")) == 3)
        #expect(Spelling.nearest(to: "epohcs", among: ["steps", "epochs"]) == "epochs")
        #expect(Spelling.nearest(to: "batch", among: ["rate", "seed"]) == nil)
    }
}
