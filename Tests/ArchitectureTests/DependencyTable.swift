import Foundation

/// The dependency table as it is written in `Package.swift`.
struct DependencyTable {
    struct Row {
        let level: Int
        let name: String
        let mayImport: [String]
    }

    let rows: [Row]
    /// Targets written out below the table, with the modules they may import.
    let others: [(name: String, mayImport: [String])]
    let testTargets: [String]

    /// Names that the manifest gives to products of other packages, and to targets of a package trait.
    static let products = ["argumentParser": "ArgumentParser", "logging": "Logging", "openMPI": "CMPI", "yams": "Yams"]

    init(manifest: String) {
        let start = manifest.range(of: "let table:")!.lowerBound
        let end = manifest.range(of: "let package = ")!.lowerBound
        let table = String(manifest[start..<end])
        rows = table.matches(of: /\(\s*(\d+),\s*"(\w+)",\s*\[([^\]]*)\]\s*\)/).map { match in
            Row(level: Int(match.1)!, name: String(match.2), mayImport: Self.modules(String(match.3)))
        }
        let rest = String(manifest[end...])
        others =
            rest.matches(of: /\.(?:executableTarget|target)\(\s*name: "(\w+)"(?:,\s*dependencies: \[([^\]]*)\])?/)
            .map { (String($0.1), Self.modules(String($0.2 ?? ""))) }
            + rest.matches(of: /\.systemLibrary\(name: "(\w+)"/).map { (String($0.1), []) }
        testTargets = rest.matches(of: /\.testTarget\(name: "(\w+)"/).map { String($0.1) }
    }

    init() throws { self.init(manifest: try SourceTree.text("Package.swift")) }

    private static func modules(_ list: String) -> [String] {
        list.split { ", \n".contains($0) }.map { word in
            word.hasPrefix("\"") ? String(word.dropFirst().dropLast()) : products[String(word)] ?? String(word)
        }
    }

    /// What a target may import, or `nil` for a name that is no target.
    func mayImport(_ target: String) -> [String]? {
        rows.first { $0.name == target }?.mayImport ?? others.first { $0.name == target }?.mayImport
    }

    func level(_ target: String) -> Int? { rows.first { $0.name == target }?.level }
}
