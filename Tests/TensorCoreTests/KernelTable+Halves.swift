import CKernels
import TensorCore

/// Kernels whose operands or results are bfloat16 in memory. A result may round to the neighbour: 2^-8 of the largest value.
extension KernelCase {
    private static let neighbour = 1 << 16

    static let halves: [KernelCase] = conversions + halfProducts + halfAttention

    private static let conversions: [KernelCase] = [
        KernelCase("to_half") { bench in
            let (y, x) = (bench.halfOutput(101), bench.normal(101))
            bench.kernels.to_half(y.bf16(), x.raw, 101)
            return [y.converted(to: .f32)]
        },
        KernelCase("from_half") { bench in
            let (y, x) = (bench.output(101), bench.halves(101))
            bench.kernels.from_half(y.raw, x.bf16(), 101)
            keep(x)
            return [y]
        },
        KernelCase("epilogue_half", roundings: neighbour) { bench in
            let bias = bench.normal(137)
            let forward = [DMT_ACT_NONE, DMT_ACT_GELU, DMT_ACT_RELU].flatMap { activation in
                let (c, pre, out) = (bench.normal(5, 137), bench.halfOutput(5, 137), bench.halfOutput(5, 137))
                bench.kernels.epilogue_half(
                    5, 137, c.raw, 137, bias.raw, Int32(activation.rawValue), pre.bf16(), out.bf16(), 137)
                return [pre.converted(to: .f32), out.converted(to: .f32)]
            }
            return forward
                + [DMT_SLOPE_GELU, DMT_SLOPE_RELU].map { activation in
                    let (c, pre, out) = (bench.normal(5, 137), bench.halves(5, 137), bench.halfOutput(5, 137))
                    bench.kernels.epilogue_half(
                        5, 137, c.raw, 137, nil, Int32(activation.rawValue), pre.bf16(), out.bf16(), 137)
                    keep(pre)
                    return out.converted(to: .f32)
                }
        },
    ]

    private static let halfProducts: [KernelCase] = [(13, 37, 22), (25, 64, 70), (12, 33, 5)].flatMap {
        (m: Int, n: Int, k: Int) -> [KernelCase] in
        [
            KernelCase("multiply halves \(m)x\(n)x\(k)", roundings: 2 * k) { bench in
                let (a, b, c) = (bench.halves(m, k), bench.halves(k, n), bench.output(m, n))
                bench.multiply(bench.kernels.bf16, m, n, k, a, (k, 1), b, (n, 1), into: c)
                return [c]
            },
            KernelCase("multiply transposed halves \(m)x\(n)x\(k)", roundings: 2 * k) { bench in
                let (a, b, c) = (bench.halves(k, m), bench.halves(n, k), bench.output(m, n))
                bench.multiply(bench.kernels.bf16, m, n, k, a, (1, m), b, (1, k), into: c)
                return [c]
            },
            // In place where a path can; the others pack, as the engine does.
            KernelCase("rows of halves \(m)x\(n)x\(k)", roundings: 2 * k) { bench in
                let (a, b, c) = (bench.halves(m, k), bench.halves(k, n), bench.output(m, n))
                let (product, nr) = (bench.kernels.bf16, bench.kernels.nr)
                guard let rows = product.rows, k % 2 == 0 else {
                    bench.multiply(product, m, n, k, a, (k, 1), b, (n, 1), into: c)
                    return [c]
                }
                let packed = Tensor.full([bench.panels(n) * nr * k / 2], -1, .i32)
                product.pack_half_b(packed.raw, b.raw, n, 1, k, n)
                rows(m, n, k, a.raw, k, packed.raw, k / 2 * nr, c.raw, n, 0)
                keep(a, b, packed)
                return [c]
            },
        ]
    }

    private static let halfAttention: [KernelCase] = [(1, 3), (53, 17), (197, 64)].flatMap {
        (tokens: Int, dim: Int) -> [KernelCase] in
        [
            KernelCase("attention_half T\(tokens) d\(dim)", roundings: neighbour) { bench in
                let outputs = attend(&bench, tokens, dim).outputs
                return [outputs[0].converted(to: .f32), outputs[1]]
            },
            KernelCase("attention_half_backward T\(tokens) d\(dim)", roundings: 2 * neighbour) { bench in
                let (qkv, outputs) = attend(&bench, tokens, dim)
                let (dout, gradient) = (bench.halves(tokens, dim), bench.halfOutput(tokens, 3 * dim))
                let bytes = bench.kernels.attention_half_scratch(tokens, dim)
                let scratch = Tensor.full([bytes / 4 + 1], -1, .i32)
                let (q, dq) = (qkv.bf16(), gradient.bf16())
                bench.kernels.attention_half_backward(
                    dq, dq + dim, dq + 2 * dim, dout.bf16(), outputs[0].bf16(), dim, outputs[1].raw, q, q + dim,
                    q + 2 * dim, 3 * dim, tokens, dim, 0.4, scratch.raw)
                keep(qkv, outputs[0], outputs[1], dout, scratch)
                return [gradient.converted(to: .f32)]
            },
        ]
    }

    private static func attend(_ bench: inout Bench, _ tokens: Int, _ dim: Int) -> (qkv: Tensor, outputs: [Tensor]) {
        let qkv = bench.halves(tokens, 3 * dim)
        let (out, lse) = (bench.halfOutput(tokens, dim), bench.output(tokens))
        let scratch = Tensor.full([bench.kernels.attention_half_scratch(tokens, dim) / 4 + 1], -1, .i32)
        let q = qkv.bf16()
        bench.kernels.attention_half(
            out.bf16(), dim, lse.raw, q, q + dim, q + 2 * dim, 3 * dim, tokens, dim, 0.4, scratch.raw)
        keep(qkv, scratch)
        return (qkv, [out, lse])
    }
}
