import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct RecipeTests {
    @Test func chainsMergeMapsAndReplaceTheRest() throws {
        try withTemporaryFolder { folder in
            try write("a: 1\nm: {x: 1, y: 2}\nl: [1, 2, 3]\nk: {z: 1}\n", to: "\(folder)/base.yaml")
            try write("b: 5\nm: {y: 7}\n", to: "\(folder)/other.yaml")
            try write("extends: [base, other.yaml]\nm: {x: 3, w: 4}\nl: [9]\nk: 5\n", to: "\(folder)/top.yaml")
            let recipe = try Recipe.load(file: "\(folder)/top.yaml", overrides: ["m.y=8"])
            let lines = recipe.settings.map { "\($0.key)=\($0.value) \($0.origin.replacing(folder + "/", with: ""))" }
            #expect(
                lines == [
                    "a=1 base.yaml:1", "m.x=3 top.yaml:2", "m.y=8 command line", "m.w=4 top.yaml:2",
                    "l[0]=9 top.yaml:3",
                    "k=5 top.yaml:4", "b=5 other.yaml:1",
                ])
            #expect(recipe.name == "top")
        }
    }

    @Test func cyclesAndLongChainsAreErrors() throws {
        try withTemporaryFolder { folder in
            try write("extends: b\n", to: "\(folder)/a.yaml")
            try write("extends: ./a.yaml\n", to: "\(folder)/b.yaml")
            let error = #expect(throws: DataError.self) { try Recipe.load(file: "\(folder)/a.yaml") }
            #expect(error?.kind == .configuration && error?.found == "a file that extends itself")
            for level in 0..<20 { try write("extends: c\(level + 1)\n", to: "\(folder)/c\(level).yaml") }
            try write("a: 1\n", to: "\(folder)/c20.yaml")
            #expect(throws: DataError.self) { try Recipe.load(file: "\(folder)/c0.yaml") }
            #expect(try Recipe.load(file: "\(folder)/c10.yaml").settings.count == 1)
            // The same base twice is no cycle.
            try write("x: 1\n", to: "\(folder)/base.yaml")
            try write("extends: base\n", to: "\(folder)/l.yaml")
            try write("extends: [base, l]\n", to: "\(folder)/d.yaml")
            #expect(try Recipe.load(file: "\(folder)/d.yaml").settings.count == 1)
        }
    }

    @Test func missingFilesSayWhoWantsThem() throws {
        try withTemporaryFolder { folder in
            try write("a: 1\nextends: nowhere\n", to: "\(folder)/a.yaml")
            let error = #expect(throws: DataError.self) { try Recipe.load(file: "\(folder)/a.yaml") }
            #expect(
                error?.kind == .missing && error?.file == "\(folder)/a.yaml:2"
                    && error?.found.contains("nowhere") == true)
            #expect(throws: DataError.self) { try Recipe.load(file: "\(folder)/none.yaml") }
            try write("- 1\n", to: "\(folder)/list.yaml")
            let list = #expect(throws: DataError.self) { try Recipe.load(file: "\(folder)/list.yaml") }
            #expect(list?.expected == "a map of keys")
        }
    }

    @Test func hashesFollowValuesNotPlaces() throws {
        try withTemporaryFolder { folder in
            try write("a: 1\nb: {c: 2}\n", to: "\(folder)/one.yaml")
            try write("# other order\nb:\n  c: 2\na: 1\n", to: "\(folder)/two.yaml")
            let one = try Recipe.load(file: "\(folder)/one.yaml")
            let two = try Recipe.load(file: "\(folder)/two.yaml")
            #expect(one.hash == two.hash && one.hash.count == 64)
            let changed = try Recipe.load(file: "\(folder)/one.yaml", overrides: ["b.c=3"])
            #expect(changed.hash != one.hash)
            let back = try Recipe.load(file: "\(folder)/one.yaml", overrides: ["b.c=3", "b.c=2"])
            #expect(back.hash == one.hash)
            // A number and its text are different settings.
            let quoted = try Recipe.load(file: "\(folder)/one.yaml", overrides: ["b.c='2'"])
            #expect(quoted.hash != one.hash)
        }
    }

    @Test func librariesFindNamesAndSuggest() throws {
        try withTemporaryFolder { folder in
            try write("kind: distill\n", to: "\(folder)/distill-small.yaml")
            try write("x: 1\n", to: "\(folder)/_base.yaml")
            try write("extends: _base\ny: 2\n", to: "\(folder)/sub/mine.yaml")
            let library = RecipeLibrary(folder: folder)
            #expect(try library.names() == ["distill-small", "sub/mine"])
            #expect(try library.load("distill-small").settings[0].origin == "recipes/distill-small.yaml:1")
            let error = #expect(throws: DataError.self) { try library.load("distil-smal") }
            #expect(error?.kind == .missing && error?.remedy == "did you mean 'distill-small'?")
            let own = try library.load("\(folder)/sub/mine.yaml")
            #expect(own.settings.map(\.key) == ["x", "y"] && own.settings[0].origin == "recipes/_base.yaml:1")
        }
    }

    @Test func shippedRecipesAllHaveAHeader() throws {
        guard let folder = SourceCheckout.folder else {
            Issue.record("the tests do not run in a checkout")
            return
        }
        let library = RecipeLibrary(folder: "\(folder)/share/dmt/recipes")
        for name in try library.names() {
            let recipe = try library.load(name)
            #expect(try RecipeHeader(recipe.reader()).name == name)
        }
    }
}
