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

    /// Values that bfloat16 holds exactly.
    mutating func rounded(_ rows: Int, _ columns: Int) -> Tensor {
        normal(rows, columns).converted(to: .f32).converted(to: .bf16).converted(to: .f32).converted(to: dtype)
    }

    /// The same values as bfloat16 in memory.
    mutating func halves(_ shape: Int...) -> Tensor {
        maker.normal(shape.reduce(1, *)).reshaped(shape).converted(to: .f32).converted(to: .bf16)
    }

    func halfOutput(_ shape: Int...) -> Tensor { Tensor.full(shape, .nan, .f32).converted(to: .bf16) }

    func panels(_ n: Int) -> Int { (n + kernels.nr - 1) / kernels.nr }

    /// Packs both operands, whose strides are those of rows and columns, and multiplies them in one block.
    func multiply(
        _ product: dmt_product, _ m: Int, _ n: Int, _ k: Int, _ a: Tensor, _ aStrides: (Int, Int), _ b: Tensor,
        _ bStrides: (Int, Int), into c: Tensor
    ) {
        let (steps, mr, nr) = ((k + product.step - 1) / product.step, kernels.mr, kernels.nr)
        let packedA = Tensor.full([(m + mr - 1) / mr * mr * steps * product.bytes / 4], -1, .i32)
        let packedB = Tensor.full([panels(n) * nr * steps * product.bytes / 4], -1, .i32)
        let packA = a.dtype == .bf16 ? product.pack_half_a! : product.pack_a!
        let packB = b.dtype == .bf16 ? product.pack_half_b! : product.pack_b!
        packA(packedA.raw, a.raw, aStrides.0, aStrides.1, m, k)
        packB(packedB.raw, b.raw, bStrides.0, bStrides.1, k, n)
        product.multiply(m, n, k, packedA.raw, packedB.raw, steps * nr, c.raw, n, 0)
        keep(a, b, packedA, packedB)
    }

    func zeros(_ shape: Int...) -> Tensor { Tensor.zeros(shape, dtype) }
}

/// Inputs stay alive to the end of a case: kernels see bare pointers.
func keep(_ tensors: Tensor...) { for tensor in tensors { keepAlive(tensor.storage) } }
