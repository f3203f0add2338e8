import Testing

@Suite struct LayeringTests {
    /// Modules of the system and the toolchain that any target may import.
    static let system: Set<String> = ["Foundation", "Dispatch", "Glibc", "Darwin", "Synchronization"]

    /// Types whose thread safety the compiler cannot check. Each has its reason beside it; add one only with a reason.
    static let uncheckedTypes: Set<String> = []

    @Test func theTableIsReadWhole() throws {
        let table = try DependencyTable()
        let manifest = try SourceTree.text("Package.swift")
        // The parser must see as many rows as the manifest has levels written down.
        #expect(table.rows.count >= 18 && table.rows.count == manifest.matches(of: /\(\s*\d+,\s*"\w+",\s*\[/).count)
        #expect(table.mayImport("EvaluationHarness")?.contains("Yams") == true)
        #expect(table.mayImport("dmt") == ["EvaluationHarness", "ArgumentParser"])
        let folders = Set(
            try SourceTree.files("Sources", endings: [".swift", ".c", ".cpp", ".modulemap"]).map(\.target))
        #expect(folders == Set(table.rows.map(\.name) + table.others.map(\.name)))
    }

    @Test func arrowsPointDownAndNeverToSiblings() throws {
        let table = try DependencyTable()
        for row in table.rows {
            for module in row.mayImport {
                guard let level = table.level(module) else { continue }
                #expect(level < row.level, "\(row.name) (level \(row.level)) may not import \(module) (level \(level))")
            }
        }
    }

    @Test func everyImportIsInTheTable() throws {
        let table = try DependencyTable()
        for file in try SourceTree.files("Sources", endings: [".swift"]) {
            let allowed = try #require(table.mayImport(file.target), "\(file.path) is in no target")
            for module in SourceTree.imports(of: file.text) where !Self.system.contains(module) {
                #expect(allowed.contains(module), "\(file.path) imports \(module), which the table does not allow")
            }
        }
    }

    @Test func importLinesOfEveryFormAreSeen() {
        let source = """
            import Foundation
            @testable import A
            public import B.Part
            import struct C.Thing
            @preconcurrency   import D
            // import E
            let text = "import F"
            """
        #expect(SourceTree.imports(of: source) == ["Foundation", "A", "B", "C", "D"])
    }

    @Test func oneFileImportsYams() throws {
        let files = try SourceTree.files("Sources", endings: [".swift"]).filter {
            SourceTree.imports(of: $0.text).contains("Yams")
        }
        #expect(files.count <= 1, "\(files.map(\.path))")
    }

    @Test func metricsKnowNoTensors() throws {
        let table = try DependencyTable()
        var reachable: Set<String> = []
        var open = ["DenseMetrics"]
        while let next = open.popLast() {
            for module in table.mayImport(next) ?? [] where reachable.insert(module).inserted { open.append(module) }
        }
        #expect(reachable.isDisjoint(with: ["TensorCore", "Autograd", "CKernels"]), "\(reachable.sorted())")
    }

    @Test func uncheckedSendableStaysInAShortList() throws {
        var found: Set<String> = []
        for file in try SourceTree.files("Sources", endings: [".swift"]) {
            for match in file.text.matches(of: /(?:class|struct|enum|extension)\s+([\w.]+)[^\n{]*@unchecked\s+Sendable/)
            {
                found.insert(String(match.1))
            }
            let mentions = file.lines.count { line in
                line.contains("@unchecked Sendable") && !line.drop { $0 == " " }.hasPrefix("//")
            }
            let declared = file.text.matches(
                of: /(?:class|struct|enum|extension)\s+([\w.]+)[^\n{]*@unchecked\s+Sendable/
            ).count
            #expect(mentions <= declared, "\(file.path): write '@unchecked Sendable' on the line of its type")
        }
        #expect(found == Self.uncheckedTypes)
    }

    @Test func noTypeSharesItsModulesName() throws {
        let table = try DependencyTable()
        let modules = Set(table.rows.map(\.name))
        for file in try SourceTree.files("Sources", endings: [".swift"]) {
            for match in file.text.matches(of: /(?m)^(?:public )?(?:final )?(?:class|struct|enum|protocol|actor) (\w+)/)
            {
                #expect(!modules.contains(String(match.1)), "\(file.path) declares \(match.1)")
            }
        }
    }

    @Test func librariesNeitherPrintNorExit() throws {
        for file in try SourceTree.files("Sources", endings: [".swift"]) where file.target != "dmt" {
            for (number, line) in file.lines.enumerated() {
                let code = line.drop { $0 == " " }
                if code.hasPrefix("//") { continue }
                #expect(
                    line.firstMatch(of: /(^|[^\w.])(print|debugPrint|exit)\(/) == nil,
                    "\(file.path):\(number + 1): \(code)")
            }
        }
    }
}
