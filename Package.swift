// swift-tools-version: 6.1
import PackageDescription

// The dependency table is the architecture: one row a target, arrows only downward, siblings never import
// each other. `Tests/ArchitectureTests` reads this table and checks every `import` line against it.

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
// Linked where the package trait `MPI` is on (`swift build --traits MPI`), and nowhere else.
let openMPI = Target.Dependency.target(name: "CMPI", condition: .when(traits: ["MPI"]))
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let table: [(level: Int, name: String, mayImport: [Target.Dependency])] = [
    (1, "Determinism", []),
    (1, "SafeFiles", []),
    (1, "JSONText", ["CSimdJSON", "CJSONC"]),
    (1, "Geometry", ["CMetricKernels"]),
    (2, "TensorCore", ["Determinism", "CKernels"]),
    (2, "Communication", ["Determinism", openMPI]),
    (2, "Reporting", ["Determinism", "SafeFiles", "JSONText"]),
    (2, "Annotations", ["Determinism", "Geometry", "JSONText", "SafeFiles", "CCocoRecords"]),
    (2, "ImageFiles", ["Geometry", "SafeFiles", "CImageCodecs"]),
    (3, "Autograd", ["TensorCore", "Communication", "Determinism", "CKernels"]),
    (3, "CheckpointIO", ["TensorCore", "SafeFiles", "JSONText", "CZip"]),
    (
        3, "DenseData",
        [
            "Annotations", "ImageFiles", "TensorCore", "Geometry", "Determinism", "SafeFiles", "JSONText",
            "CImageCodecs",
        ]
    ),
    (3, "DenseMetrics", ["Determinism", "Geometry", "Annotations", "Reporting", "CMetricKernels"]),
    (4, "NeuralLayers", ["Autograd", "TensorCore", "Communication", "Determinism", "CKernels"]),
    (5, "VisionBackbones", ["NeuralLayers", "CheckpointIO", "Autograd", "TensorCore", "Determinism"]),
    (5, "DenseHeads", ["NeuralLayers", "Geometry", "Autograd", "TensorCore", "Communication", "Determinism"]),
    (5, "SelfSupervision", ["NeuralLayers", "Autograd", "TensorCore", "Determinism"]),
    (
        5, "Distillation",
        ["NeuralLayers", "CheckpointIO", "Autograd", "TensorCore", "Communication", "Determinism"]
    ),
    (
        6, "EvaluationHarness",
        [
            "Determinism", "SafeFiles", "JSONText", "Geometry", "TensorCore", "Communication", "Reporting",
            "Annotations",
            "ImageFiles", "Autograd", "CheckpointIO", "DenseData", "DenseMetrics", "NeuralLayers", "VisionBackbones",
            "DenseHeads", "SelfSupervision", "Distillation", yams, logging,
        ]
    ),
]

// Test targets with a folder of golden values, found at run time from the source file's path.
let testsWithFixtures = ["Autograd", "DenseHeads"]

let package = Package(
    name: "dmt",
    products: table.map { .library(name: $0.name, targets: [$0.name]) } + [.executable(name: "dmt", targets: ["dmt"])],
    traits: [.trait(name: "MPI", description: "Training and evaluation on several processes, over Open MPI.")],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CJSONC", pkgConfig: "json-c", providers: [.apt(["libjson-c-dev"])]),
        .systemLibrary(name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
        .target(name: "CKernels"),
        .target(name: "CMetricKernels"),
        .target(
            name: "CImageCodecs",
            linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16"), .linkedLibrary("deflate")]),
        .target(name: "CCocoRecords"),
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(
            name: "TestSupport",
            dependencies: [
                "COpenBLAS", "NeuralLayers", "Autograd", "TensorCore", "Communication", "Geometry", "Determinism",
            ]),
        .executableTarget(name: "dmt", dependencies: ["EvaluationHarness", argumentParser]),
        .testTarget(name: "ArchitectureTests"),
        .testTarget(name: "CommandTests", dependencies: ["dmt", "EvaluationHarness", argumentParser]),
        // Every reader over files that are damaged or hostile: they lie on several levels.
        .testTarget(
            name: "HostileFilesTests",
            dependencies: [
                "TestSupport", "Determinism", "SafeFiles", "JSONText", "Reporting", "Annotations", "ImageFiles",
                "CheckpointIO", "DenseData", "DenseMetrics", "EvaluationHarness",
            ]),
    ] + table.map { .target(name: $0.name, dependencies: $0.mayImport) }
        + table.map {
            .testTarget(
                name: $0.name + "Tests", dependencies: [.byName(name: $0.name), "TestSupport"] + $0.mayImport,
                exclude: testsWithFixtures.contains($0.name) ? ["Fixtures"] : [])
        },
    cxxLanguageStandard: .cxx17
)
