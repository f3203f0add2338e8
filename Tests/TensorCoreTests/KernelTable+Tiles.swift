import CKernels
import TensorCore

extension KernelCase {
    /// Two pictures of 5x6 pixels: nine tiles each, the last row of them cut.
    private static let pictures = dmt_tiles(height: 5, width: 6, down: 3, across: 3)
    private static let places = 16

    /// Convolution by tiles, and batch normalisation with a ReLU.
    static let tiles: [KernelCase] =
        [
            KernelCase("winograd_weights") { bench in
                let (u, w) = (bench.output(places, 7, 5), bench.normal(7, 5, 3, 3))
                bench.kernels.winograd_weights(u.raw, w.raw, 5, 7, 0, 3)
                bench.kernels.winograd_weights(u.raw, w.raw, 5, 7, 3, 7)
                keep(w)
                return [u]
            },
            KernelCase("winograd_weights_backward") { bench in
                let (dw, du) = (bench.output(7, 5, 3, 3), bench.normal(places, 7, 5))
                bench.kernels.winograd_weights_backward(dw.raw, du.raw, 5, 7, 0, 7)
                keep(du)
                return [dw]
            },
            KernelCase("winograd_input") { bench in
                var shape = pictures
                let (x, zeros) = (bench.normal(2, 5, 6, 37), bench.zeros(37))
                let v = bench.output(places, 11, 37)
                bench.kernels.winograd_input(v.raw, 37, 11 * 37, x.raw, &shape, 37, 4, 11, zeros.raw)
                keep(x, zeros)
                return [v]
            },
            KernelCase("winograd_output") { bench in
                var shape = pictures
                let (m, bias) = (bench.normal(places, 18, 37), bench.normal(37))
                let results = [DMT_ACT_NONE, DMT_ACT_RELU].map { activation in
                    let y = bench.output(2, 5, 6, 37)
                    bench.kernels.winograd_output(
                        y.raw, &shape, 37, 37, m.raw, 37, 18 * 37, 0, 18, activation == DMT_ACT_NONE ? nil : bias.raw,
                        Int32(activation.rawValue))
                    return y
                }
                keep(m, bias)
                return results
            },
            KernelCase("batch_norm_apply") { bench in
                let (x, mean, scale, shift) = (
                    bench.normal(11, 37), bench.normal(37), bench.normal(37), bench.normal(37)
                )
                let results = (0...1).map { relu in
                    let y = bench.output(11, 37)
                    bench.kernels.batch_norm_apply(y.raw, x.raw, mean.raw, scale.raw, shift.raw, Int32(relu), 11, 37)
                    return y
                }
                keep(x, mean, scale, shift)
                return results
            },
            KernelCase("batch_norm_sums", roundings: 64) { bench in
                let (x, dy, mean) = (bench.normal(11, 37), bench.normal(11, 37), bench.normal(37))
                let (rstd, scale, shift) = (bench.normal(37), bench.normal(37), bench.normal(37))
                let results = (0...1).flatMap { relu in
                    let (dbeta, dgamma) = (bench.zeros(37), bench.zeros(37))
                    bench.kernels.batch_norm_sums(
                        dbeta.raw, dgamma.raw, dy.raw, x.raw, mean.raw, rstd.raw, scale.raw, shift.raw, Int32(relu),
                        11, 37)
                    return [dbeta, dgamma]
                }
                keep(x, dy, mean, rstd, scale, shift)
                return results
            },
            KernelCase("batch_norm_gradient", roundings: 64) { bench in
                let (x, dy, mean) = (bench.normal(11, 37), bench.normal(11, 37), bench.normal(37))
                let (rstd, scale, shift) = (bench.normal(37), bench.normal(37), bench.normal(37))
                let (first, second) = (bench.normal(37), bench.normal(37))
                let results = (0...1).map { relu in
                    let dx = bench.output(11, 37)
                    bench.kernels.batch_norm_gradient(
                        dx.raw, dy.raw, x.raw, mean.raw, rstd.raw, scale.raw, shift.raw, first.raw, second.raw,
                        Int32(relu), 11, 37)
                    return dx
                }
                keep(x, dy, mean, rstd, scale, shift, first, second)
                return results
            },
        ]
        + (0..<places).flatMap { place -> [KernelCase] in
            [
                KernelCase("winograd_input_place \(place)") { bench in
                    var shape = pictures
                    let (x, zeros, v) = (bench.normal(2, 5, 6, 37), bench.zeros(37), bench.output(11, 37))
                    bench.kernels.winograd_input_place(
                        v.raw, 37, x.raw, &shape, 37, 4, 11, Int32(place), zeros.raw)
                    keep(x, zeros)
                    return [v]
                },
                KernelCase("winograd_gradient_place \(place)") { bench in
                    var shape = pictures
                    let (dy, zeros, v) = (bench.normal(2, 5, 6, 37), bench.zeros(37), bench.output(11, 37))
                    bench.kernels.winograd_gradient_place(
                        v.raw, 37, dy.raw, &shape, 37, 4, 11, Int32(place), zeros.raw)
                    keep(dy, zeros)
                    return [v]
                },
            ]
        }
}
