import Foundation
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct ResourceLocatorTests {
    @Test func installedTreeComesFirst() throws {
        try withTemporaryFolder { folder in
            let real = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
            try write("", to: "\(real)/prefix/bin/dmt")
            try write("x: 1\n", to: "\(real)/prefix/share/dmt/recipes/a.yaml")
            let locator = try ResourceLocator(executable: "\(real)/prefix/bin/dmt")
            #expect(locator.folder == "\(real)/prefix/share/dmt" && locator.checkout == nil)
            // Through a link elsewhere, as /usr/local/bin often is.
            try FileManager.default.createSymbolicLink(
                atPath: "\(real)/link", withDestinationPath: "\(real)/prefix/bin/dmt")
            #expect(try ResourceLocator(executable: "\(real)/link") == locator)
        }
    }

    @Test func checkoutIsFoundAboveTheBuild() throws {
        try withTemporaryFolder { folder in
            let real = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
            try write("", to: "\(real)/c/.build/x86/release/dmt")
            let missing = #expect(throws: DataError.self) {
                try ResourceLocator(executable: "\(real)/c/.build/x86/release/dmt")
            }
            #expect(missing?.kind == .missing)
            try write("", to: "\(real)/c/Package.swift")
            try write("", to: "\(real)/c/share/dmt/recipes/a.yaml")
            let locator = try ResourceLocator(executable: "\(real)/c/.build/x86/release/dmt")
            #expect(locator.folder == "\(real)/c/share/dmt" && locator.checkout == "\(real)/c")
        }
    }
}
