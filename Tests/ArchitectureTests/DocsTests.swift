import Testing

@Suite struct DocsTests {
    /// README and every page of the documentation; the README must exist.
    private func pages() throws -> [SourceTree.File] {
        try [SourceTree.File(path: "README.md", text: SourceTree.text("README.md"))]
            + SourceTree.files("Documentation", endings: [".md"])
    }

    @Test func readmeNamesTheTwoFirstCommands() throws {
        let text = try SourceTree.text("README.md")
        for command in ["make quickstart", "make test"] {
            #expect(text.contains(command), "README.md does not name '\(command)'")
        }
    }

    @Test func makeTargetsThatPagesNameExist() throws {
        let makefile = try SourceTree.text("Makefile")
        let targets = Set(makefile.matches(of: /(?m)^([A-Za-z0-9_-]+)\s*:(?!=)/).map { String($0.1) })
        #expect(!targets.isEmpty)
        for page in try pages() {
            for match in page.text.matches(of: /(?m)(?:`|^\s*\$?\s*)make ([a-z][a-z0-9_-]*)/) {
                #expect(targets.contains(String(match.1)), "\(page.path): make \(match.1)")
            }
        }
    }

    @Test func recipesOfTheMakefileStartWithATab() throws {
        let lines = try SourceTree.text("Makefile").split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() where line.hasPrefix(" ") {
            let continued = number > 0 && lines[number - 1].hasSuffix("\\")
            #expect(continued, "Makefile:\(number + 1) starts with a space: \(line)")
        }
    }

    /// A verb exists when some command of the executable has its name, written out or by the rule of the parser
    /// (type `ScoreSemseg` under `score` carries an explicit name).
    @Test func verbsThatPagesNameExist() throws {
        var verbs: Set<String> = []
        for file in try SourceTree.files("Sources/dmt", endings: [".swift"]) {
            for match in file.text.matches(of: /commandName:\s*"([\w-]+)"/) { verbs.insert(String(match.1)) }
        }
        #expect(verbs.contains("dmt"))
        for page in try pages() {
            for match in page.text.matches(of: /(?m)(?:`|^\s*\$?\s*)dmt ([a-z][a-z0-9-]*)/) {
                #expect(verbs.contains(String(match.1)), "\(page.path): dmt \(match.1)")
            }
        }
    }

    @Test func noMachinePathsAnywhere() throws {
        let texts =
            try pages() + SourceTree.files("Sources", endings: [".swift", ".c", ".h", ".cpp"])
            + SourceTree.files("Tests", endings: [".swift"])
            + SourceTree.files("results", endings: [".json", ".md", ".html"])
        for file in texts {
            let found = file.text.firstMatch(of: /(?:^|[\s"'`(=])(\/(?:home|work|Users)\/)/)
            #expect(found == nil, "\(file.path) names \(found.map { String($0.1) } ?? "")")
        }
    }

    /// The page that lists the targets says what the manifest says: rows `| level | `Target` | … | imports |`.
    @Test func theTargetTableEqualsTheManifest() throws {
        let table = try DependencyTable()
        var listed: [String: (level: Int, imports: Set<String>)] = [:]
        for page in try SourceTree.files("Documentation", endings: [".md"]) {
            for match in page.text.matches(of: /(?m)^\|\s*(\d+)\s*\|\s*`(\w+)`\s*\|[^|\n]*\|([^|\n]*)\|\s*$/) {
                let imports = String(match.3).matches(of: /\w+/).map { String($0.0) }
                listed[String(match.2)] = (Int(match.1)!, Set(imports))
            }
        }
        #expect(Set(listed.keys).isSuperset(of: table.rows.map(\.name)), "Documentation lists \(listed.keys.sorted())")
        for row in table.rows {
            guard let entry = listed[row.name] else { continue }
            #expect(entry.level == row.level, "\(row.name): level")
            #expect(entry.imports == Set(row.mayImport), "\(row.name): imports")
        }
    }

    /// Swift on a page stands in a test file too, line for line, where it is compiled.
    @Test func swiftOnPagesIsCompiled() throws {
        func lines(_ text: Substring) -> String {
            text.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: "\n")
        }
        let compiled = try SourceTree.files("Tests", endings: [".swift"]).filter { $0.name == "DocumentedCode.swift" }
            .map { lines($0.text[...]) }
        var blocks = 0
        for page in try pages() {
            for match in page.text.matches(of: /(?ms)^```swift\n(.*?)^```/) {
                blocks += 1
                let code = lines(match.1)
                #expect(
                    compiled.contains { $0.contains(code) }, "\(page.path): not in any DocumentedCode.swift:\n\(code)")
            }
        }
        #expect(blocks > 0)
    }

    @Test func linksBetweenPagesLead() throws {
        for page in try pages() {
            let folder = page.path.split(separator: "/").dropLast().joined(separator: "/")
            for match in page.text.matches(of: /\]\(([^)#\s]+)(?:#[^)]*)?\)/) {
                let target = String(match.1)
                if target.contains("://") || target.hasPrefix("mailto:") { continue }
                let path = folder.isEmpty ? target : "\(folder)/\(target)"
                #expect(SourceTree.exists(path), "\(page.path) links to \(target)")
            }
        }
    }
}
