import ArgumentParser
import Foundation
import Testing

@testable import dmt

/// Every command that a page shows is one that the program takes.
@Suite struct DocumentedCommandsTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct Command: CustomTestStringConvertible {
        var page: String
        var line: String
        var arguments: [String]

        var testDescription: String { "\(page): \(line)" }
    }

    static func pages() throws -> [URL] {
        let folder = root.appending(path: "Documentation")
        let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return [root.appending(path: "README.md")]
            + files.filter { $0.hasSuffix(".md") }.sorted().map { folder.appending(path: $0) }
    }

    /// The commands in fenced and indented blocks, without those that leave something out ("…").
    static func commands() throws -> [Command] {
        try pages().flatMap { page in
            var commands: [Command] = []
            var isCode = false
            let text = try String(contentsOf: page, encoding: .utf8).replacing("\\\n", with: " ")
            for line in text.split(separator: "\n") {
                if line.hasPrefix("```") {
                    isCode.toggle()
                } else if isCode || line.hasPrefix("    ") {
                    commands += self.commands(in: String(line), page: page.lastPathComponent)
                }
            }
            return commands
        }
    }

    private static func commands(in line: String, page: String) -> [Command] {
        guard !line.contains("…"), !line.contains("...") else { return [] }
        return ShellWords.commands(line).compactMap { words in
            var words = words[...]
            while let first = words.first, first.contains("="), !first.hasPrefix("-") { words.removeFirst() }
            if words.first == "mpirun" { words = words.dropFirst(3) }
            guard let program = words.first, program == "dmt" || program.hasSuffix("/dmt") else { return nil }
            return Command(page: page, line: line, arguments: Array(words.dropFirst()))
        }
    }

    @Test func pagesHoldCommands() throws {
        #expect(try Self.commands().count > 30)
    }

    @Test(arguments: try commands()) func theProgramTakes(_ command: Command) {
        do {
            _ = try DMT.parseAsRoot(command.arguments)
        } catch {
            #expect(DMT.exitCode(for: error) == .success, "\(DMT.fullMessage(for: error))")
        }
    }
}

/// What a shell would make of a line, as far as pages need it.
private enum ShellWords {
    /// The words of each command; what stands behind `#`, `|`, `<` or `>` is left out.
    static func commands(_ line: String) -> [[String]] {
        var (commands, words, word): ([[String]], [String], String?) = ([], [], nil)
        var quote: Character?
        func endWord() {
            if let ended = word { words.append(ended) }
            word = nil
        }
        scan: for character in line {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
                continue
            }
            switch character {
            case "'", "\"":
                quote = character
                word = word ?? ""
            case " ", "\t": endWord()
            case "#" where word == nil: break scan
            case "|", "<", ">": break scan
            case "&", ";":
                endWord()
                commands.append(words)
                words = []
            case "$" where word == nil && words.isEmpty: continue
            default: word = (word ?? "") + String(character)
            }
        }
        endWord()
        return commands + [words]
    }
}
