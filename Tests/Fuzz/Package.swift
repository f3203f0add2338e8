// swift-tools-version: 6.1
import PackageDescription

// Fuzz targets have no `main` of their own, so they stand in a package apart. `make fuzz` builds and runs them.

let targets: [(name: String, modules: [String])] = [
    ("FuzzSafetensors", ["CheckpointIO", "SafeFiles"]),
    ("FuzzPickle", ["CheckpointIO", "SafeFiles"]),
    ("FuzzZip", ["CheckpointIO", "SafeFiles"]),
    ("FuzzNumPy", ["CheckpointIO", "SafeFiles"]),
    ("FuzzCocoTruth", ["Annotations", "Determinism", "Geometry", "SafeFiles"]),
    ("FuzzCocoResults", ["Annotations", "Determinism", "SafeFiles"]),
    ("FuzzRunLengths", ["Geometry"]),
    ("FuzzRecipe", ["EvaluationHarness", "SafeFiles"]),
    ("FuzzJPEG", ["ImageFiles"]),
    ("FuzzPNG", ["ImageFiles"]),
]

let package = Package(
    name: "Fuzz",
    dependencies: [.package(name: "dmt", path: "../..")],
    targets: [.target(name: "DrawnFiles")]
        + targets.map { target in
            .executableTarget(
                name: target.name,
                dependencies: ["DrawnFiles"] + target.modules.map { .product(name: $0, package: "dmt") },
                swiftSettings: [.unsafeFlags(["-parse-as-library"])])
        }
)
