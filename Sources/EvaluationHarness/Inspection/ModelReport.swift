import CheckpointIO
import JSONText
import Reporting
import SafeFiles
import VisionBackbones

/// What a checkpoint holds, read from its header: tensors, the encoder in it and the cost of that encoder.
public struct ModelReport: Sendable, Equatable {
    /// How the architecture was found.
    public enum Evidence: String, Sendable {
        /// The key `dmt.architecture` of the file.
        case metadata
        case shapes
    }
    public struct Architecture: Sendable, Equatable {
        /// A name of the catalogue; nil for other shapes.
        public var name: String?
        public var configuration: ViTConfiguration
        public var evidence: Evidence
        /// What stands before the encoder's names.
        public var prefix: String
        /// Outputs of the classifier beside the encoder; 0 for none.
        public var classCount: Int
        /// Of one picture of the report's size; two a multiply-add.
        public var flops: Double
    }

    public var file: String
    public var byteCount: Int
    public var metadata: [(key: String, value: String)]
    public var tensors: [TensorEntry]
    /// "safetensors", "pytorch" or "numpy".
    public var format: String
    /// Values in all tensors.
    public var valueCount: Int
    public var imageSize: Int
    public var architecture: Architecture?
    /// Measured where it was asked for.
    public var cost: NetworkCost?
    /// Why there is no architecture, or what contradicts it.
    public var warnings: [String] = []

    public static func == (a: Self, b: Self) -> Bool { a.json == b.json }

    /// Reads the header of `path`; no tensor is read.
    ///
    /// - Parameter imageSize: pixels a side of the picture that FLOPs are told for.
    /// - Throws: `DataError` for a file that is missing, malformed or of another format.
    public init(_ path: String, imageSize: Int = 224) throws(DataError) {
        let opened = try CheckpointFile.open(path)
        file = path
        byteCount = try FileBytes.size(of: path)
        let safetensors = opened as? SafetensorsFile
        metadata = safetensors?.header.metadata.sorted { $0.key < $1.key } ?? []
        format = safetensors != nil ? "safetensors" : opened is NumPyFile ? "numpy" : "pytorch"
        tensors = opened.entries
        valueCount = tensors.reduce(0) { $0 + $1.count }
        self.imageSize = imageSize
        do throws(CheckpointError) {
            architecture = try recognised()
        } catch {
            warnings.append("no plain ViT was recognised: \(error.description)")
        }
    }

    /// Measures the encoder with random weights on this machine; nothing where none was recognised.
    public mutating func measure(batchSize: Int, precision: NetworkCost.Precision) {
        guard let architecture, architecture.configuration.headCount > 0 else { return }
        cost = .measure(
            architecture.configuration, network: architecture.name ?? "encoder", imageSize: imageSize,
            batchSize: batchSize, precision: precision)
    }

    private mutating func recognised() throws(CheckpointError) -> Architecture {
        let declared = metadata.first { $0.key == "dmt.architecture" }?.value
        let named = declared.flatMap { ViTVariants.named($0) }
        if let declared, named == nil {
            warnings.append(
                "dmt.architecture '\(declared)' is none of \(ViTVariants.names.joined(separator: ", "))")
        }
        let prefixes = tensors.compactMap { tensor in
            CheckpointSource.projections.first(where: tensor.name.hasSuffix).map {
                String(tensor.name.dropLast($0.count))
            }
        }.sorted()
        let prefix = prefixes.first ?? ""
        if prefixes.count > 1 { warnings.append("\(prefixes.count) encoders; shown is '\(prefix)'") }
        var shapes: [String: [Int]] = [:]
        for tensor in tensors where tensor.name.hasPrefix(prefix) {
            shapes[String(tensor.name.dropFirst(prefix.count))] = tensor.shape
        }
        var configuration: ViTConfiguration
        do throws(CheckpointError) {
            // Names of other sources stand for the same parts.
            let renamed = Dictionary(
                shapes.compactMap { name, shape in CheckpointSource.commonName(name).map { ($0, shape) } },
                uniquingKeysWith: { first, _ in first })
            let heads = ViTShape.headCount(renamed)
            configuration = try ViTShape.configuration(renamed, headCount: heads ?? 1, file: file)
            if heads == nil {
                configuration.headCount = CheckpointSource.timm.headCount(width: configuration.width) ?? 0
            }
        } catch {
            guard let named else { throw error }
            configuration = named.configuration
            warnings.append("the tensors are not those of \(named.name): \(error.description)")
        }
        let match = ViTVariants.matching(configuration)
        if let named, match?.name != named.name {
            warnings.append("dmt.architecture says \(named.name), the shapes say otherwise")
        }
        var classCount = 0
        if let head = shapes["head.weight"], head.count == 2, head[1] == configuration.width { classCount = head[0] }
        guard imageSize >= configuration.patchSize, imageSize % configuration.patchSize == 0 else {
            throw CheckpointError(
                file: file, expected: "an image size that is a multiple of patch \(configuration.patchSize)",
                found: "\(imageSize)", remedy: "choose another with --size")
        }
        return Architecture(
            name: match?.name, configuration: configuration,
            evidence: named != nil && match?.name == named?.name ? .metadata : .shapes, prefix: prefix,
            classCount: classCount, flops: configuration.flops(at: imageSize, classCount: classCount))
    }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("file", .string(file)), ("format", .string(format)),
            ("bytes", .int(Int64(byteCount))), ("values", .int(Int64(valueCount))),
            ("architecture", architecture.map { $0.json(imageSize: imageSize) } ?? .null),
            ("cost", cost?.json ?? .null), ("metadata", .object(metadata.map { ($0.key, .string($0.value)) })),
            (
                "tensors",
                .array(
                    tensors.map {
                        .object([
                            ("name", .string($0.name)), ("dtype", .string($0.type.rawValue)),
                            ("shape", .array($0.shape.map { .int(Int64($0)) })),
                        ])
                    })
            ),
            ("warnings", .array(warnings.map { .string($0) })),
        ])
    }

    public var text: String {
        var lines = [
            "file: \(file)", "format: \(format), \(byteCount) bytes",
            "tensors: \(tensors.count), values: \(valueCount)",
        ]
        if let architecture {
            let shape = architecture.configuration
            lines.append(
                "architecture: \(architecture.name ?? "a ViT without a name") (by \(architecture.evidence.rawValue)), "
                    + "width \(shape.width), depth \(shape.depth), patch \(shape.patchSize), "
                    + "trained at \(shape.imageSize)"
            )
            lines.append("parameters: \(shape.parameterCount(classCount: architecture.classCount))")
            lines.append(
                "GFLOPs per image of \(imageSize): \(ProgressReporter.fixed(architecture.flops * 1e-9)) "
                    + "(two a multiply-add, matrix products only)")
        }
        lines += cost?.lines ?? []
        lines += metadata.map { "\($0.key): \($0.value)" }
        lines += warnings.map { "warning: \($0)" }
        lines += tensors.map { "  \($0.name)  \($0.type.rawValue)  \($0.shape)" }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension ModelReport.Architecture {
    fileprivate func json(imageSize: Int) -> JSONValue {
        .object([
            ("name", name.map { .string($0) } ?? .null), ("evidence", .string(evidence.rawValue)),
            ("prefix", .string(prefix)), ("width", .int(Int64(configuration.width))),
            ("depth", .int(Int64(configuration.depth))), ("patch", .int(Int64(configuration.patchSize))),
            ("hidden", .int(Int64(configuration.hiddenWidth))),
            ("trained_image_size", .int(Int64(configuration.imageSize))), ("classes", .int(Int64(classCount))),
            ("parameters", .int(Int64(configuration.parameterCount(classCount: classCount)))),
            ("image_size", .int(Int64(imageSize))), ("flops_per_image", .double(flops)),
            ("flops_convention", .string("two a multiply-add, matrix products only")),
        ])
    }
}
