import Foundation
import SafeFiles

/// Finds the files that ship with the tool: `share/dmt` beside the executable's `bin`, or in the checkout it was built
/// in.
public struct ResourceLocator: Sendable, Equatable {
    /// The `share/dmt` folder.
    public let folder: String
    /// The checkout, where the tool runs from one.
    public let checkout: String?

    /// - Parameter executable: a path to the running program; links are resolved.
    /// - Throws: `.missing` when neither place exists.
    public init(executable: String) throws(DataError) {
        let real = realpath(executable, nil)
        defer { free(real) }
        let resolved = real.map { String(cString: $0) } ?? executable
        let installed = Folder.parent(of: Folder.parent(of: resolved)) + "/share/dmt"
        if Folder.exists(installed) {
            folder = installed
            checkout = nil
            return
        }
        var above = Folder.parent(of: resolved)
        while above != "/" && above != "." {
            if FileBytes.exists(above + "/Package.swift"), Folder.exists(above + "/share/dmt") {
                folder = above + "/share/dmt"
                checkout = above
                return
            }
            above = Folder.parent(of: above)
        }
        throw DataError(
            .missing, file: installed, expected: "the tool's share/dmt folder", found: "nothing",
            remedy: "install with 'make install PREFIX=...', or run the program inside its checkout")
    }

    /// The locator of the running program.
    public static func current() throws(DataError) -> ResourceLocator {
        try ResourceLocator(executable: "/proc/self/exe")
    }
}
