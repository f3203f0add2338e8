import Foundation

/// The checkout these tests were compiled in, and the program built beside them.
enum SourceCheckout {
    static let folder: String? = {
        var url = URL(fileURLWithPath: #filePath)
        while url.path != "/" {
            url.deleteLastPathComponent()
            if FileManager.default.fileExists(atPath: url.path + "/Package.swift") { return url.path }
        }
        return nil
    }()

    /// The built `dmt`, beside the test bundle.
    static let program: String? = {
        guard let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return nil }
        let folders = [(own as NSString).deletingLastPathComponent, (folder ?? "") + "/.build/release"]
        return folders.map { $0 + "/dmt" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()
}
