import Testing

@Suite struct FileSizeTests {
    private static let endings = [".swift", ".c", ".h", ".cpp"]
    /// Lines above which a file holds more than one concept, whatever its author thinks.
    private static let hardLimit = 600
    private static let medianLimit = 200

    @Test func noFileIsLongerThanTheLimit() throws {
        for folder in ["Sources", "Tests", "benchmarks"] {
            for file in try SourceTree.files(folder, endings: Self.endings) {
                #expect(file.lineCount <= Self.hardLimit, "\(file.path): \(file.lineCount) lines")
            }
        }
    }

    @Test func theMedianFileIsShort() throws {
        let counts = try SourceTree.files("Sources", endings: Self.endings).map(\.lineCount).sorted()
        #expect(counts.count > 20 && counts[counts.count / 2] <= Self.medianLimit)
    }

    @Test func filesAreNamedAfterAConcept() throws {
        for file in try SourceTree.files("Sources", endings: [".swift"]) {
            for word in ["Utils", "Utilities", "Helper", "Manager", "Misc", "Common", "Placeholder"] {
                #expect(!file.name.contains(word), "\(file.path)")
            }
        }
    }

    @Test func everyFileEndsItsLastLineAndUsesSpaces() throws {
        for folder in ["Sources", "Tests"] {
            for file in try SourceTree.files(folder, endings: Self.endings) {
                #expect(file.text.hasSuffix("\n"), "\(file.path) has no final newline")
                #expect(!file.text.contains("\t"), "\(file.path) holds a tab")
                #expect(!file.text.contains("\r"), "\(file.path) holds a carriage return")
            }
        }
    }
}
