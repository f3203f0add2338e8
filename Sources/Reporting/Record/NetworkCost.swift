import JSONText

/// What a network costs on the machine that measured it: a row of an efficiency table.
public struct NetworkCost: Sendable, Equatable {
    /// "student", "teacher mae", "segmentation model".
    public var network: String
    public var parameters: Int
    /// Of the products of one picture's forward pass; two a multiply-add.
    public var flops: Double
    /// Pixels a side.
    public var imageSize: Int
    public var batchSize: Int
    /// "f32" or "bf16".
    public var precision: String
    public var threads: Int
    /// The most bytes that tensors hold at once beyond the weights, for the whole batch: in a pass without gradients, and in
    /// one with everything kept for the backward pass, gradients of the weights included; nil where none was made.
    public var forwardBytes: Int
    public var trainingBytes: Int?
    /// Pictures a second of the forward pass.
    public var imagesPerSecond: Double

    public init(
        network: String, parameters: Int, flops: Double, imageSize: Int, batchSize: Int, precision: String,
        threads: Int, forwardBytes: Int, trainingBytes: Int?, imagesPerSecond: Double
    ) {
        self.network = network
        self.parameters = parameters
        self.flops = flops
        self.imageSize = imageSize
        self.batchSize = batchSize
        self.precision = precision
        self.threads = threads
        self.forwardBytes = forwardBytes
        self.trainingBytes = trainingBytes
        self.imagesPerSecond = imagesPerSecond
    }

    /// "224 px, batch 8, f32, 2 threads".
    public var conditions: String { "\(imageSize) px, batch \(batchSize), \(precision), \(threads) threads" }

    public var json: JSONValue {
        .object([
            ("network", .string(network)), ("parameters", .int(Int64(parameters))), ("flops_per_image", .double(flops)),
            ("image_size", .int(Int64(imageSize))), ("batch", .int(Int64(batchSize))),
            ("precision", .string(precision)), ("threads", .int(Int64(threads))),
            ("activation_bytes_forward", .int(Int64(forwardBytes))),
            ("activation_bytes_training", trainingBytes.map { .int(Int64($0)) } ?? .null),
            ("images_per_second", .double(imagesPerSecond)),
        ])
    }

    init(_ object: RecordObject) throws {
        self.init(
            network: try object.string("network"), parameters: try object.int("parameters"),
            flops: try object.double("flops_per_image"), imageSize: try object.int("image_size"),
            batchSize: try object.int("batch"), precision: try object.string("precision"),
            threads: try object.int("threads"), forwardBytes: try object.int("activation_bytes_forward"),
            trainingBytes: try object.optionalDouble("activation_bytes_training").map { Int($0) },
            imagesPerSecond: try object.double("images_per_second"))
    }
}

extension Report {
    /// Parameters, work, memory and speed of networks.
    public static func efficiencyTable(_ costs: [NetworkCost]) -> ReportTable {
        func mebibytes(_ bytes: Int) -> ReportTable.Cell { .number(Double(bytes) / 1_048_576, digits: 1) }
        return ReportTable(
            caption:
                "Measured on the machine of the run. Two operations a multiply-add, matrix products only; memory is that of "
                + "activations for the whole batch.",
            columns: [
                .init("network"), .init("parameters", .right), .init("GFLOP a picture", .right),
                .init("MiB forward", .right), .init("MiB in training", .right), .init("images/s", .right),
                .init("measured with"),
            ],
            rows: costs.map { cost in
                [
                    .text(cost.network), .integer(cost.parameters), .number(cost.flops / 1e9, digits: 3),
                    mebibytes(cost.forwardBytes), cost.trainingBytes.map(mebibytes) ?? .text("–"),
                    .number(cost.imagesPerSecond, digits: cost.imagesPerSecond < 100 ? 1 : 0), .text(cost.conditions),
                ]
            })
    }
}
