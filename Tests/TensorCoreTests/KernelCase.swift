import CKernels
import TensorCore
import TestSupport
import Testing

/// One entry of the kernel table on fixed inputs: the same call for every path and float type.
struct KernelCase: Sendable, CustomTestStringConvertible {
    let name: String
    /// Roundings on the longest path: the bound is this times 2^-24 times the largest value.
    let roundings: Int
    let run: @Sendable (inout Bench) -> [Tensor]

    init(_ name: String, roundings: Int = 16, _ run: @escaping @Sendable (inout Bench) -> [Tensor]) {
        self.name = name
        self.roundings = roundings
        self.run = run
    }

    var testDescription: String { name }
    /// The table's field.
    var field: String { String(name.prefix { $0 != " " }) }

    func results(_ table: UnsafePointer<dmt_kernels>, _ dtype: DType) -> [Tensor] {
        var bench = Bench(table: table, dtype: dtype, maker: TensorMaker(name))
        return run(&bench)
    }
}

/// What a case draws its inputs from: the same numbers for every float type.
struct Bench {
    let table: UnsafePointer<dmt_kernels>
    let dtype: DType
    var maker: TensorMaker

    var kernels: dmt_kernels { table.pointee }

    mutating func normal(_ shape: Int...) -> Tensor {
        maker.normal(shape.reduce(1, *)).reshaped(shape).converted(to: dtype)
    }

    mutating func uniform(_ shape: Int..., in range: ClosedRange<Double>) -> Tensor {
        maker.uniform(shape.reduce(1, *), in: range).reshaped(shape).converted(to: dtype)
    }

    /// Not a number: an output that is not fully written shows.
    func output(_ shape: Int...) -> Tensor { Tensor.full(shape, .nan, dtype) }

    func zeros(_ shape: Int...) -> Tensor { Tensor.zeros(shape, dtype) }
}

/// Inputs stay alive to the end of a case: kernels see bare pointers.
func keep(_ tensors: Tensor...) { for tensor in tensors { keepAlive(tensor.storage) } }
