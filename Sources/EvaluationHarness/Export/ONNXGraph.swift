import TensorCore

/// A network as ONNX describes it: nodes in the order of computation, and the constants they read.
///
/// Every node has one output. Constants enter the graph when something reads them, so none is without use.
struct ONNXGraph {
    enum Attribute: Equatable {
        case int(Int)
        case ints([Int])
        case float(Float)
        case text(String)
    }

    struct Node {
        var operation: String
        /// Empty texts stand for optional inputs left out.
        var inputs: [String]
        var output: String
        var attributes: [(name: String, value: Attribute)]
    }

    /// The values of a constant.
    enum Constant {
        /// f32
        case tensor(Tensor)
        /// 64-bit whole numbers; no axes are a scalar.
        case integers([Int], shape: [Int])

        var shape: [Int] {
            switch self {
            case .tensor(let tensor): tensor.shape
            case .integers(_, let shape): shape
            }
        }
    }

    /// What enters or leaves the graph, f32; `nil` is the open number of pictures.
    struct Port {
        var name: String
        var shape: [Int?]
    }

    var name: String
    private(set) var nodes: [Node] = []
    private(set) var constants: [(name: String, value: Constant)] = []
    var inputs: [Port] = []
    var outputs: [Port] = []
    /// The model's tensors by checkpoint name.
    private let state: [String: Tensor]
    private var named: Set<String> = []

    init(name: String, state: [String: Tensor]) {
        self.name = name
        self.state = state
    }

    /// Appends a node.
    ///
    /// - Parameter output: the name of its result; `Operation_<number of the node>` unless given.
    /// - Returns: that name.
    mutating func add(
        _ operation: String, _ inputs: [String], _ attributes: [(String, Attribute)] = [], as output: String? = nil
    ) -> String {
        let name = output ?? "\(operation)_\(nodes.count)"
        nodes.append(
            Node(operation: operation, inputs: inputs, output: name, attributes: attributes.map { ($0, $1) }))
        return name
    }

    /// Whether the model has a tensor of that name.
    func has(_ name: String) -> Bool { state[name] != nil }

    /// The shape of one of the model's tensors.
    func shape(of name: String) -> [Int] { tensor(name).shape }

    /// One of the model's tensors, unchanged and under its own name.
    mutating func parameter(_ name: String) -> String { constant(.tensor(tensor(name)), name: name) }

    private func tensor(_ name: String) -> Tensor {
        guard let tensor = state[name] else { preconditionFailure("the model has no tensor '\(name)'") }
        return tensor
    }

    /// A constant that is no tensor of the model. Equal names must stand for equal values.
    mutating func constant(_ value: Constant, name: String) -> String {
        if named.insert(name).inserted { constants.append((name, value)) }
        return name
    }

    /// A list of whole numbers; equal lists share one constant.
    mutating func integers(_ values: [Int]) -> String {
        constant(
            .integers(values, shape: [values.count]), name: "integers." + values.map(String.init).joined(separator: ".")
        )
    }

    /// One f32; equal values share one constant.
    mutating func scalar(_ value: Float) -> String { constant(.tensor(Tensor([value], [])), name: "scalar.\(value)") }
}
