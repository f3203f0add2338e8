import Foundation
import TensorCore
import Testing

@testable import EvaluationHarness

@Suite struct EnvironmentReportTests {
    @Test func everyFactIsThere() throws {
        let report = EnvironmentReport.current()
        for key in ["tool", "commit", "swift", "os", "kernel", "cpu", "cpu_flags", "cpu_path", "cores", "memory_mib"] {
            #expect(report[key]?.isEmpty == false, "\(key)")
        }
        #expect(Int(try #require(report["memory_mib"]))! > 100)
        #expect(Kernels.pathNames.contains(try #require(report["cpu_path"])))
        #expect(EnvironmentReport.libraries.contains { $0.key == "libjpeg" && $0.value.contains(".so") })
    }

    @Test func nothingNamesTheMachineOrAPath() {
        let report = EnvironmentReport.current()
        let host = ProcessInfo.processInfo.hostName
        for fact in report.facts {
            #expect(!fact.value.hasPrefix("/"), "\(fact.key)")
            if host.count > 3, host != "localhost" { #expect(!fact.value.contains(host), "\(fact.key)") }
        }
    }

    @Test func commitsAreReadFromCheckouts() throws {
        try withTemporaryFolder { folder in
            let hash = String(repeating: "0a", count: 20)
            try write("", to: folder + "/Package.swift")
            try write("x: 1\n", to: folder + "/share/dmt/recipes/a.yaml")
            try write("", to: folder + "/build/release/dmt")
            func commit() throws -> String? {
                BuildInfo.commit(try ResourceLocator(executable: folder + "/build/release/dmt"))
            }
            #expect(try commit() == nil)
            try write("ref: refs/heads/main\n", to: folder + "/.git/HEAD")
            #expect(try commit() == nil)
            try write("# pack\n\(hash) refs/heads/main\n", to: folder + "/.git/packed-refs")
            #expect(try commit() == hash)
            let loose = String(repeating: "b1", count: 20)
            try write(loose + "\n", to: folder + "/.git/refs/heads/main")
            #expect(try commit() == loose)
            try write(hash + "\n", to: folder + "/.git/HEAD")
            #expect(try commit() == hash)
            // A linked work tree.
            try FileManager.default.removeItem(atPath: folder + "/.git/HEAD")
            try write("ref: refs/heads/main\n", to: folder + "/repo/worktrees/w/HEAD")
            try write("../..\n", to: folder + "/repo/worktrees/w/commondir")
            try write(loose + "\n", to: folder + "/repo/refs/heads/main")
            try FileManager.default.removeItem(atPath: folder + "/.git")
            try write("gitdir: repo/worktrees/w\n", to: folder + "/.git")
            #expect(try commit() == loose)
        }
    }
}
