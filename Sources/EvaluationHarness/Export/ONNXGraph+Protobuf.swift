import TensorCore

/// The messages of `onnx.proto`; field numbers are those of the file.
extension ONNXGraph {
    /// The format's version: the first that knows opset 17.
    static let formatVersion = 8

    /// The whole model; equal graphs give equal bytes.
    ///
    /// - Parameter metadata: written in the order given.
    func model(opset: Int, metadata: [(key: String, value: String)]) -> ProtobufMessage {
        var model = ProtobufMessage()
        model.integer(1, Self.formatVersion)
        model.text(2, "dmt")
        model.text(3, BuildInfo.version)
        model.message(7, message)
        var operators = ProtobufMessage()
        operators.text(1, "")
        operators.integer(2, opset)
        model.message(8, operators)
        for (key, value) in metadata {
            var entry = ProtobufMessage()
            entry.text(1, key)
            entry.text(2, value)
            model.message(14, entry)
        }
        return model
    }

    private var message: ProtobufMessage {
        var graph = ProtobufMessage()
        for node in nodes { graph.message(1, Self.message(node)) }
        graph.text(2, name)
        for (name, value) in constants { graph.message(5, Self.message(name, value)) }
        for port in inputs { graph.message(11, Self.message(port)) }
        for port in outputs { graph.message(12, Self.message(port)) }
        return graph
    }

    private static func message(_ node: Node) -> ProtobufMessage {
        var message = ProtobufMessage()
        for input in node.inputs { message.text(1, input) }
        message.text(2, node.output)
        message.text(3, node.output)
        message.text(4, node.operation)
        for (name, value) in node.attributes {
            var attribute = ProtobufMessage()
            attribute.text(1, name)
            switch value {
            case .float(let value):
                attribute.float(2, value)
                attribute.integer(20, 1)
            case .int(let value):
                attribute.integer(3, value)
                attribute.integer(20, 2)
            case .text(let value):
                attribute.text(4, value)
                attribute.integer(20, 3)
            case .ints(let values):
                attribute.integers(8, values)
                attribute.integer(20, 7)
            }
            message.message(5, attribute)
        }
        return message
    }

    private enum ElementType: Int {
        case float = 1
        case int64 = 7
    }

    private static func message(_ name: String, _ constant: Constant) -> ProtobufMessage {
        var message = ProtobufMessage()
        message.integers(1, constant.shape)
        switch constant {
        case .tensor(let tensor):
            message.integer(2, ElementType.float.rawValue)
            message.text(8, name)
            message.values(9, of: tensor)
        case .integers(let values, _):
            message.integer(2, ElementType.int64.rawValue)
            message.text(8, name)
            message.bytes(9, values.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } })
        }
        return message
    }

    private static func message(_ port: Port) -> ProtobufMessage {
        var shape = ProtobufMessage()
        for size in port.shape {
            var dimension = ProtobufMessage()
            if let size { dimension.integer(1, size) } else { dimension.text(2, "N") }
            shape.message(1, dimension)
        }
        var (tensor, type, message) = (ProtobufMessage(), ProtobufMessage(), ProtobufMessage())
        tensor.integer(1, ElementType.float.rawValue)
        tensor.message(2, shape)
        type.message(1, tensor)
        message.text(1, port.name)
        message.message(2, type)
        return message
    }
}
