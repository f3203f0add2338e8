// swift-tools-version: 6.1
import PackageDescription

// Fuzz targets have no `main` of their own, so they stand in a package apart. `make fuzz` builds and runs them.

let targets: [(name: String, modules: [String])] = [
    ("FuzzCocoRecords", ["Annotations", "Determinism", "SafeFiles"]),
    ("FuzzRunLengths", ["Geometry"]),
    ("FuzzPickle", ["CheckpointIO", "SafeFiles"]),
    ("FuzzArchive", ["CheckpointIO", "SafeFiles"]),
    ("FuzzJPEG", ["ImageFiles"]),
]

let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "dmt", path: "../..")],
    targets: targets.map { target in
        .executableTarget(
            name: target.name, dependencies: target.modules.map { .product(name: $0, package: "dmt") },
            swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    }
)
