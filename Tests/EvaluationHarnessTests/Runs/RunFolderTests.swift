import Foundation
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct RunFolderTests {
    private let environment = EnvironmentReport(facts: [EnvironmentFact(key: "tool", value: "dmt")])
    private let date = Date(timeIntervalSince1970: 1_700_000_000)

    private func recipe(_ text: String = "name: My Run/1\nrate: 0.1\n") throws -> Recipe {
        try Recipe(name: "x", file: "x.yaml", root: YAMLText.parse(Array(text.utf8), file: "x.yaml"))
    }

    @Test func freshFoldersAreNamedAndNeverShared() throws {
        try withTemporaryFolder { folder in
            let recipe = try recipe()
            let first = try RunFolder(
                .fresh(in: folder + "/runs"), recipe: recipe, environment: environment, date: date)
            let second = try RunFolder(
                .fresh(in: folder + "/runs"), recipe: recipe, environment: environment, date: date)
            let stem = "20231114T221320Z-\(recipe.hash.prefix(8))-my-run-1"
            #expect(Folder.name(of: first.path) == stem && Folder.name(of: second.path) == stem + "-2")
            let link = try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/runs/latest")
            #expect(link == stem + "-2")
            #expect(try RunFolder.status(of: first.path) == .running)
            let resolved = try text(of: first.path + "/config.resolved.yaml")
            #expect(resolved.contains("rate: 0.1") && resolved.contains("# x.yaml:2"))
            #expect(try YAMLText.parse(Array(resolved.utf8), file: "r").hasSameValue(as: recipe.root))
            #expect(try text(of: first.path + "/env.json").contains("\"tool\""))
            #expect(
                first.filesWritten.contains(first.path + "/STATUS")
                    && first.filesWritten.allSatisfy { $0.hasPrefix("/") })
        }
    }

    @Test func foldersGivenByNameAreNotOverwritten() throws {
        try withTemporaryFolder { folder in
            let out = folder + "/out"
            try write("precious", to: out + "/file")
            for resumes in [false, true] {
                let error = #expect(throws: DataError.self) {
                    try RunFolder(.exactly(out, resumes: resumes), recipe: recipe(), environment: environment)
                }
                #expect(error?.kind == .cannotWrite)
            }
            #expect(try text(of: out + "/file") == "precious")
            #expect(try FileManager.default.contentsOfDirectory(atPath: out).filter { !$0.hasPrefix(".") } == ["file"])
        }
    }

    @Test func unfinishedRunsResumeWithTheSameSettingsOnly() throws {
        try withTemporaryFolder { folder in
            let out = folder + "/out"
            let place = RunFolder.Place.exactly(out, resumes: true)
            func open(_ recipe: Recipe) throws -> RunFolder {
                try RunFolder(place, recipe: recipe, environment: environment)
            }
            do { #expect(try open(recipe()).isResumed == false) }
            do { #expect(try open(recipe()).isResumed) }
            let other = #expect(throws: DataError.self) { _ = try open(recipe("name: My Run/1\nrate: 0.2\n")) }
            #expect(other?.kind == .configuration)
            do { try open(recipe()).set(.done) }
            let done = #expect(throws: DataError.self) { _ = try open(recipe()) }
            #expect(done?.found == "a run that is done")
        }
    }

    @Test func aRunThatDiedBeforeItHadAStatusBeginsAnew() throws {
        try withTemporaryFolder { folder in
            try write("rate: 0.2", to: folder + "/out/config.resolved.yaml")
            try write("half", to: folder + "/out/config.sha256.tmp.12.3")
            let refused = #expect(throws: DataError.self) {
                try RunFolder(.exactly(folder + "/out", resumes: false), recipe: recipe(), environment: environment)
            }
            #expect(refused?.kind == .cannotWrite)
            let run = try RunFolder(
                .exactly(folder + "/out", resumes: true), recipe: recipe(), environment: environment)
            #expect(try !run.isResumed && RunFolder.status(of: run.path) == .running)
            #expect(try text(of: folder + "/out/config.resolved.yaml").contains("rate: 0.1"))
            #expect(try Folder.entries(run.path).contains { AtomicFile.isLeftover($0) } == false)
        }
    }

    @Test func oneProcessAtATime() throws {
        try withTemporaryFolder { folder in
            let place = RunFolder.Place.exactly(folder + "/out", resumes: true)
            let first = try RunFolder(place, recipe: recipe(), environment: environment)
            let error = #expect(throws: DataError.self) {
                _ = try RunFolder(place, recipe: recipe(), environment: environment)
            }
            #expect(error?.found == "another process in it")
            _ = first.path
        }
    }

    @Test func theEndOfTheBodyIsTheStatus() throws {
        try withTemporaryFolder { folder in
            let terminal = Terminal(descriptor: -1, isInteractive: false, environment: [:])
            func run(_ name: String, _ body: () throws -> Void) throws -> RunFolder {
                let run = try RunFolder(
                    .exactly("\(folder)/\(name)", resumes: false), recipe: recipe(), environment: environment)
                try? run.tracking(terminal, body)
                return run
            }
            #expect(try RunFolder.status(of: run("a") { terminal.write(line: "hello") }.path) == .done)
            #expect(try text(of: folder + "/a/log.txt") == "hello\n")
            #expect(try RunFolder.status(of: run("b") { throw Interruption(signal: SIGTERM) }.path) == .interrupted)
            let failed = try run("c") {
                throw DataError(.malformed, file: "f", expected: "e", found: "x", remedy: "r")
            }
            #expect(try RunFolder.status(of: failed.path) == .failed)
            #expect(try text(of: folder + "/c/log.txt").contains("error f: expected e, found x; r."))
        }
    }

    @Test func protocolAndCommandAreKept() throws {
        try withTemporaryFolder { folder in
            let fingerprint = ProtocolFingerprint(["input size": "224", "crop": "center"])
            let run = try RunFolder(
                .exactly(folder + "/out", resumes: false), recipe: recipe(), protocolFingerprint: fingerprint,
                commandLine: ["dmt", "eval", "name=it's me"], environment: environment)
            #expect(try text(of: run.path + "/protocol.json").contains(fingerprint.hash))
            #expect(try text(of: run.path + "/command.txt") == "dmt eval 'name=it'\\''s me'\n")
        }
    }

    @Test func namesBecomeSafe() {
        #expect(RunFolder.slug("ViT-S/16 \u{FC}ber, 2") == "vit-s-16-ber-2")
        #expect(RunFolder.slug("../..") == "run" && RunFolder.slug("") == "run" && RunFolder.slug("---") == "run")
    }
}
