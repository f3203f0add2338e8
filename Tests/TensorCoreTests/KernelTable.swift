import CKernels
import TensorCore

extension KernelCase {
    /// Every entry of the table, on sizes that are no multiple of any vector.
    static let all: [KernelCase] =
        products + elementwise + reductions + rows + normalisations + attention + images + tiles + losses + halves

    private static let products: [KernelCase] =
        [(13, 37, 21), (12, 64, 300), (1, 5, 600)].flatMap { (m: Int, n: Int, k: Int) -> [KernelCase] in
            [
                KernelCase("rows \(m)x\(n)x\(k)", roundings: 2 * k) { bench in
                    let (a, b, t) = (bench.normal(m, k), bench.normal(k, n), bench.kernels)
                    let (packed, c) = (bench.output(bench.panels(n) * t.nr * k), bench.output(m, n))
                    t.full.pack_b(packed.raw, b.raw, n, 1, k, n)
                    t.full.rows(m, n, k, a.raw, k, packed.raw, k * t.nr, c.raw, n, 0)
                    keep(a, b, packed)
                    return [c]
                },
                KernelCase("columns \(m)x\(n)x\(k)", roundings: 2 * k) { bench in
                    // Whole panels of every path.
                    let (wide, t) = (128, bench.kernels)
                    let (a, b, c) = (bench.normal(k, m), bench.normal(k, wide), bench.output(m, wide))
                    t.full.columns(m, wide, k, a.raw, m, b.raw, wide, c.raw, wide, 0)
                    keep(a, b)
                    return [c]
                },
                KernelCase("pack_b transposed \(m)x\(n)x\(k)") { bench in
                    // Panels differ in width between paths: put them back in order.
                    let (b, t) = (bench.normal(n, k), bench.kernels)
                    let (packed, plain) = (bench.output(bench.panels(n), k, t.nr), bench.output(k, n))
                    t.full.pack_b(packed.raw, b.raw, 1, k, k, n)
                    let values = packed.doubles()
                    let ordered = (0..<k * n).map { i in values[(i % n / t.nr * k + i / n) * t.nr + i % n % t.nr] }
                    plain.assign(Tensor(ordered, [k, n]).converted(to: bench.dtype))
                    let padding = values.enumerated().filter { i, _ in i / (k * t.nr) * t.nr + i % t.nr >= n }
                    keep(b)
                    return [plain, Tensor([padding.allSatisfy { $0.element == 0 } ? 0.0 : 1.0], [1])]
                },
                KernelCase("full transposed A \(m)x\(n)x\(k)", roundings: 2 * k) { bench in
                    let (a, b, t) = (bench.normal(k, m), bench.normal(k, n), bench.kernels)
                    let c = bench.output(m, n)
                    bench.multiply(t.full, m, n, k, a, (1, m), b, (n, 1), into: c)
                    return [c]
                },
                KernelCase("full transposed B \(m)x\(n)x\(k)", roundings: 2 * k) { bench in
                    let (a, b, t) = (bench.normal(m, k), bench.normal(n, k), bench.kernels)
                    let c = bench.output(m, n)
                    bench.multiply(t.full, m, n, k, a, (k, 1), b, (1, k), into: c)
                    return [c]
                },
                KernelCase("bf16 \(m)x\(n)x\(k)", roundings: 2 * k) { bench in
                    // Operands that bfloat16 holds exactly: the double table, which does not round, agrees too.
                    let (a, b, t) = (bench.rounded(m, k), bench.rounded(k, n), bench.kernels)
                    let c = bench.output(m, n)
                    bench.multiply(t.bf16, m, n, k, a, (k, 1), b, (n, 1), into: c)
                    return [c]
                },
                KernelCase("bf16 transposed \(m)x\(n)x\(k)", roundings: 2 * k) { bench in
                    let (a, b, t) = (bench.rounded(k, m), bench.rounded(n, k), bench.kernels)
                    let c = bench.output(m, n)
                    bench.multiply(t.bf16, m, n, k, a, (1, m), b, (1, k), into: c)
                    return [c]
                },
            ]
        }

    private static let elementwise: [KernelCase] = [
        KernelCase("epilogue") { bench in
            let (bias, residual) = (bench.normal(37), bench.normal(5, 37))
            let slopes = [DMT_SLOPE_GELU, DMT_SLOPE_RELU].map { activation in
                let (c, pre) = (bench.normal(5, 37), bench.normal(5, 37))
                // In place of what the slope is taken at.
                bench.kernels.epilogue(
                    5, 37, c.raw, 37, nil, Int32(activation.rawValue), pre.raw, nil, pre.raw, 37)
                keep(c)
                return pre
            }
            return slopes
                + [DMT_ACT_NONE, DMT_ACT_GELU, DMT_ACT_RELU].flatMap { activation in
                    let (c, pre) = (bench.normal(5, 37), bench.output(5, 37))
                    bench.kernels.epilogue(
                        5, 37, c.raw, 37, bias.raw, Int32(activation.rawValue), pre.raw, residual.raw, c.raw, 37)
                    return [c, pre]
                }
        },
        KernelCase("activation_backward") { bench in
            let (dy, z) = (bench.normal(101), bench.normal(101))
            return [DMT_ACT_NONE, DMT_ACT_GELU, DMT_ACT_RELU].map { activation in
                let dz = bench.output(101)
                bench.kernels.activation_backward(dz.raw, dy.raw, z.raw, Int32(activation.rawValue), 101)
                return dz
            }
        },
        KernelCase("add", binary { $0.add }), KernelCase("multiply", binary { $0.multiply }),
        KernelCase("multiply_add") { bench in
            let (y, a, b) = (bench.normal(101), bench.normal(101), bench.normal(101))
            bench.kernels.multiply_add(y.raw, a.raw, b.raw, 101)
            return [y]
        },
        KernelCase("axpy") { bench in
            let (y, x) = (bench.normal(101), bench.normal(101))
            bench.kernels.axpy(y.raw, x.raw, -0.3, 101)
            return [y]
        },
        KernelCase("scale") { bench in
            let (y, x) = (bench.output(101), bench.normal(101))
            bench.kernels.scale(y.raw, x.raw, -0.3, 101)
            return [y]
        },
        KernelCase("add_rows") { bench in
            let (y, x, b) = (bench.output(5, 37), bench.normal(5, 37), bench.normal(37))
            bench.kernels.add_rows(y.raw, x.raw, b.raw, 5, 37)
            return [y]
        },
        KernelCase("sigmoid") { bench in
            let (y, x) = (bench.output(101), bench.normal(101))
            bench.kernels.sigmoid(y.raw, x.raw, 101)
            return [y]
        },
        KernelCase("sigmoid_backward", binary { $0.sigmoid_backward }),
        KernelCase("adamw") { bench in
            let (p, g, m, v) = (
                bench.normal(101), bench.normal(101), bench.normal(101), bench.uniform(101, in: 0.1...1)
            )
            bench.kernels.adamw(p.raw, g.raw, m.raw, v.raw, 101, 0.01, 0.9, 0.999, 1e-8, 0.05, 0.19, 0.002, 0.5)
            return [p, m, v]
        },
        KernelCase("moving_average") { bench in
            let (y, x) = (bench.normal(101), bench.normal(101))
            bench.kernels.moving_average(y.raw, x.raw, 0.9, 101)
            return [y]
        },
        KernelCase("scatter_add") { bench in
            let (dx, dy) = (bench.normal(20), bench.normal(101))
            bench.kernels.scatter_add(dx.raw, dy.raw, (0..<101).map { Int32($0 * 7 % 20) }, 101)
            return [dx]
        },
    ]

    private static func binary(
        _ kernel:
            @escaping @Sendable (dmt_kernels) -> (
                @convention(c) (UnsafeMutableRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?, dmt_index) -> Void
            )?
    ) -> @Sendable (inout Bench) -> [Tensor] {
        { bench in
            let (y, a, b) = (bench.output(101), bench.normal(101), bench.normal(101))
            kernel(bench.kernels)!(y.raw, a.raw, b.raw, 101)
            return [y]
        }
    }

    private static let reductions: [KernelCase] = [
        KernelCase("sum") { bench in
            let x = bench.normal(1003)
            return [Tensor([bench.kernels.sum(x.raw, 1003)], [1])]
        },
        KernelCase("dot") { bench in
            let (a, b) = (bench.normal(1003), bench.normal(1003))
            return [Tensor([bench.kernels.dot(a.raw, b.raw, 1003)], [1])]
        },
        KernelCase("column_sums", roundings: 32) { bench in
            let (acc, x) = (bench.normal(37), bench.normal(11, 37))
            bench.kernels.column_sums(acc.raw, x.raw, 11, 37)
            return [acc]
        },
        KernelCase("column_dots", roundings: 32) { bench in
            let (acc, a, b) = (bench.normal(37), bench.normal(11, 37), bench.normal(11, 37))
            bench.kernels.column_dots(acc.raw, a.raw, b.raw, 11, 37)
            return [acc]
        },
        KernelCase("column_moments", roundings: 32) { bench in
            let (acc, x, mean) = (bench.zeros(37), bench.normal(11, 37), bench.normal(37))
            bench.kernels.column_moments(acc.raw, x.raw, mean.raw, 11, 37)
            return [acc]
        },
        KernelCase("column_affine") { bench in
            let (y, x) = (bench.output(11, 37), bench.normal(11, 37))
            let (mean, scale, shift) = (bench.normal(37), bench.normal(37), bench.normal(37))
            bench.kernels.column_affine(y.raw, x.raw, mean.raw, scale.raw, shift.raw, 11, 37)
            return [y]
        },
    ]

    private static let rows: [KernelCase] =
        [1, 7, 16, 101].flatMap { (columns: Int) -> [KernelCase] in
            [
                KernelCase("softmax \(columns)", roundings: 64) { bench in
                    let (y, x) = (bench.output(5, columns), bench.normal(5, columns))
                    bench.kernels.softmax(y.raw, x.raw, 5, columns)
                    return [y]
                },
                KernelCase("log_softmax \(columns)", roundings: 64) { bench in
                    let (y, x) = (bench.output(5, columns), bench.normal(5, columns))
                    bench.kernels.log_softmax(y.raw, x.raw, 5, columns)
                    return [y]
                },
                KernelCase("softmax_backward \(columns)", roundings: 128) { bench in
                    let (dx, dy, y) = (bench.output(5, columns), bench.normal(5, columns), bench.normal(5, columns))
                    bench.kernels.softmax_backward(dx.raw, dy.raw, y.raw, 5, columns)
                    return [dx]
                },
                KernelCase("log_softmax_backward \(columns)", roundings: 128) { bench in
                    let (dx, dy, y) = (bench.output(5, columns), bench.normal(5, columns), bench.normal(5, columns))
                    bench.kernels.log_softmax_backward(dx.raw, dy.raw, y.raw, 5, columns)
                    return [dx]
                },
            ]
        }

    private static let normalisations: [KernelCase] = [
        KernelCase("layer_norm", roundings: 64) { bench in
            let (x, gamma, beta) = (bench.normal(5, 37), bench.normal(37), bench.normal(37))
            let (y, mean, rstd) = (bench.output(5, 37), bench.output(5), bench.output(5))
            bench.kernels.layer_norm(y.raw, mean.raw, rstd.raw, x.raw, gamma.raw, beta.raw, 5, 37, 1e-6)
            return [y, mean, rstd]
        },
        KernelCase("layer_norm_backward", roundings: 64) { bench in
            let (dy, x, gamma) = (bench.normal(5, 37), bench.normal(5, 37), bench.normal(37))
            let (mean, rstd) = (bench.normal(5), bench.uniform(5, in: 0.5...2))
            let (dx, dgamma, dbeta) = (bench.output(5, 37), bench.normal(37), bench.normal(37))
            bench.kernels.layer_norm_backward(
                dx.raw, dgamma.raw, dbeta.raw, dy.raw, x.raw, gamma.raw, mean.raw, rstd.raw, 5, 37)
            return [dx, dgamma, dbeta]
        },
        KernelCase("l2_normalize", roundings: 64) { bench in
            let (x, y, inverse) = (bench.normal(5, 37), bench.output(5, 37), bench.output(5))
            bench.kernels.l2_normalize(y.raw, inverse.raw, x.raw, 5, 37, 1e-12)
            return [y, inverse]
        },
        KernelCase("l2_normalize_backward", roundings: 64) { bench in
            let (dx, dy, y) = (bench.output(5, 37), bench.normal(5, 37), bench.normal(5, 37))
            let inverse = bench.uniform(5, in: 0.5...2)
            bench.kernels.l2_normalize_backward(dx.raw, dy.raw, y.raw, inverse.raw, 5, 37)
            return [dx]
        },
    ]

    private static let attention: [KernelCase] = [(1, 3), (53, 17), (101, 32)].flatMap {
        (tokens: Int, dim: Int) -> [KernelCase] in
        [
            KernelCase("attention T\(tokens) d\(dim)", roundings: 2 * tokens + 4 * dim) { bench in
                attend(&bench, tokens, dim).outputs
            },
            KernelCase("attention_backward T\(tokens) d\(dim)", roundings: 4 * tokens + 8 * dim) { bench in
                let (qkv, outputs) = attend(&bench, tokens, dim)
                let (dout, gradient, size) = (
                    bench.normal(tokens, dim), bench.output(tokens, 3 * dim), bench.dtype.size
                )
                let scratch = bench.output(bench.kernels.attention_scratch(tokens, dim))
                bench.kernels.attention_backward(
                    gradient.raw, gradient.raw + dim * size, gradient.raw + 2 * dim * size, dout.raw, outputs[0].raw,
                    dim,
                    outputs[1].raw, qkv.raw, qkv.raw + dim * size, qkv.raw + 2 * dim * size, 3 * dim, tokens, dim, 0.4,
                    scratch.raw)
                keep(qkv, outputs[0], outputs[1], dout, scratch)
                return [gradient]
            },
        ]
    }

    private static func attend(_ bench: inout Bench, _ tokens: Int, _ dim: Int) -> (qkv: Tensor, outputs: [Tensor]) {
        let (qkv, size) = (bench.normal(tokens, 3 * dim), bench.dtype.size)
        let (out, lse) = (bench.output(tokens, dim), bench.output(tokens))
        let scratch = bench.output(bench.kernels.attention_scratch(tokens, dim))
        bench.kernels.attention(
            out.raw, dim, lse.raw, qkv.raw, qkv.raw + dim * size, qkv.raw + 2 * dim * size, 3 * dim, tokens, dim, 0.4,
            scratch.raw)
        keep(qkv, scratch)
        return (qkv, [out, lse])
    }

    private static let images: [KernelCase] = [
        KernelCase("im2col") { bench in
            let (y, x) = (bench.output(2, 3, 27), bench.normal(5, 6, 3))
            bench.kernels.im2col(y.raw, x.raw, 5, 6, 3, 3, 2, 1, 3, 1, 3)
            return [y]
        },
        KernelCase("col2im") { bench in
            let (dx, columns) = (bench.normal(5, 6, 3), bench.normal(3, 3, 27))
            bench.kernels.col2im(dx.raw, columns.raw, 5, 6, 3, 3, 2, 1, 3, 3)
            return [dx]
        },
        KernelCase("max_pool") { bench in
            let (y, x, best) = (bench.output(3, 4, 5), bench.normal(7, 9, 5), Tensor.zeros([60], .i32))
            bench.kernels.max_pool(y.raw, best.i32(), x.raw, 7, 9, 5, 3, 2, 3, 4)
            return [y, Tensor(best.ints().map { Double($0) }, [60])]
        },
        KernelCase("adaptive_average_pool") { bench in
            let (y, x) = (bench.output(3, 4, 5), bench.normal(7, 9, 5))
            bench.kernels.adaptive_average_pool(y.raw, x.raw, 7, 9, 5, 3, 4)
            return [y]
        },
        KernelCase("adaptive_average_pool_backward") { bench in
            let (dx, dy) = (bench.normal(7, 9, 5), bench.normal(3, 4, 5))
            bench.kernels.adaptive_average_pool_backward(dx.raw, dy.raw, 7, 9, 5, 3, 4)
            return [dx]
        },
        KernelCase("bilinear") { bench in
            let (y, x) = (bench.output(2, 3, 19), bench.normal(3, 4, 19))
            bench.kernels.bilinear(
                y.raw, x.raw, 4, 19, [0, 1], [1, 2], [0.3, 0.8], [0, 1, 3], [1, 2, 3], [0.1, 0.5, 0], 3, 0, 1)
            bench.kernels.bilinear(
                y.raw, x.raw, 4, 19, [0, 1], [1, 2], [0.3, 0.8], [0, 1, 3], [1, 2, 3], [0.1, 0.5, 0], 3, 1, 2)
            return [y]
        },
        KernelCase("bilinear_backward") { bench in
            let (dx, dy) = (bench.normal(3, 4, 19), bench.normal(2, 3, 19))
            bench.kernels.bilinear_backward(
                dx.raw, dy.raw, 4, 19, [0, 1], [1, 2], [0.3, 0.8], [0, 1, 3], [1, 2, 3], [0.1, 0.5, 0], 2, 3, 0,
                2)
            return [dx]
        },
        KernelCase("roi_align", roundings: 256) { bench in
            let (y, x) = (bench.output(3, 3, 19), bench.normal(7, 9, 19))
            bench.kernels.roi_align(y.raw, x.raw, 7, 9, 19, [-1.3, 0.7, 7.9, 8.1], 3, 0)
            return [y]
        },
        KernelCase("roi_align_backward", roundings: 256) { bench in
            let (dx, dy) = (bench.normal(7, 9, 19), bench.normal(3, 3, 19))
            bench.kernels.roi_align_backward(dx.raw, dy.raw, 7, 9, 19, 19, [-1.3, 0.7, 7.9, 8.1], 3, 2)
            return [dx]
        },
    ]

    private static let losses: [KernelCase] = [
        KernelCase("cross_entropy", roundings: 64) { bench in
            let (dx, x) = (bench.output(4, 23), bench.normal(4, 23))
            var loss = [Double](repeating: .nan, count: 4)
            bench.kernels.cross_entropy(&loss, dx.raw, x.raw, [3, -1, 22, 0], -1, 4, 23)
            return [dx, Tensor(loss, [4])]
        },
        KernelCase("soft_cross_entropy", roundings: 64) { bench in
            let (dx, x, target) = (bench.output(4, 23), bench.normal(4, 23), bench.uniform(4, 23, in: 0...0.1))
            var loss = [Double](repeating: .nan, count: 4)
            bench.kernels.soft_cross_entropy(&loss, dx.raw, x.raw, target.raw, 4, 23)
            return [dx, Tensor(loss, [4])]
        },
        KernelCase("smooth_l1", roundings: 64) { bench in
            let (dx, x, target) = (bench.output(101), bench.normal(101), bench.normal(101))
            let weight = bench.uniform(101, in: 0...2)
            let loss = bench.kernels.smooth_l1(dx.raw, x.raw, target.raw, weight.raw, 0.5, 101)
            return [dx, Tensor([loss], [1])]
        },
        KernelCase("bce_with_logits", roundings: 64) { bench in
            let (dx, x, target) = (bench.output(101), bench.normal(101), bench.uniform(101, in: 0...1))
            let loss = bench.kernels.bce_with_logits(dx.raw, x.raw, target.raw, nil, 101)
            return [dx, Tensor([loss], [1])]
        },
    ]
}
