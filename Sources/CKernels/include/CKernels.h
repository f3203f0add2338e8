// The seam between the engine and its numeric inner loops.
//
// One table of functions per CPU path and float type. Pointers are untyped: a table filled for `float` reads floats, one
// filled for `double` reads doubles. Every function is single-threaded, writes only its outputs and allocates nothing;
// callers split work by shape. Another device offers the same functions to take part.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef long dmt_index;  // Swift's Int

// avx512bf16 multiplies bfloat16 operands as they are, the others as the floats they stand for.
typedef enum {
    DMT_PATH_PLAIN = 0,
    DMT_PATH_AVX2 = 1,
    DMT_PATH_AVX512 = 2,
    DMT_PATH_AVX512_BF16 = 3
} dmt_path;
typedef enum {
    DMT_ACT_NONE = 0,
    DMT_ACT_GELU = 1,
    DMT_ACT_RELU = 2,
    // c times the slope of the activation at `pre`, which is read: the way back.
    DMT_SLOPE_GELU = 3,
    DMT_SLOPE_RELU = 4
} dmt_activation;

// Puts rows of A or columns of B into panels.
typedef void (*dmt_pack_b)(void *dst, const void *b, dmt_index row_stride, dmt_index col_stride, dmt_index k,
                           dmt_index n);
typedef void (*dmt_pack_a)(void *dst, const void *a, dmt_index row_stride, dmt_index col_stride, dmt_index m,
                           dmt_index k);

// One precision of the matrix product: `bf16` rounds both operands to bfloat16 and sums products in float. Operands that
// are bfloat16 in memory are packed by `pack_half_*` (null for the full product).
typedef struct {
    dmt_index step, bytes;
    dmt_pack_b pack_b, pack_half_b;
    dmt_pack_a pack_a, pack_half_a;
    // C[m,n] (+)= A[m,k] B[k,n]
    void (*multiply)(dmt_index m, dmt_index n, dmt_index k, const void *packed_a, const void *packed_b,
                     dmt_index panel_stride, void *c, dmt_index ldc, int accumulate);
    // The same with rows of A in place, one every `stride` values of the product's own type; `bf16` asks for an even k and
    // is null where the CPU does not multiply bfloat16.
    void (*rows)(dmt_index m, dmt_index n, dmt_index k, const void *a, dmt_index stride, const void *packed_b,
                 dmt_index panel_stride, void *c, dmt_index ldc, int accumulate);
    // C[m,n] (+)= Aᵀ B of a (k, m) and b (k, n) in place, lines `lda` and `ldb` values apart; n is a multiple of `nr`. Null for
    // bfloat16.
    void (*columns)(dmt_index m, dmt_index n, dmt_index k, const void *a, dmt_index lda, const void *b, dmt_index ldb,
                    void *c, dmt_index ldc, int accumulate);
} dmt_product;

// Tiles of 2x2 results of a 3x3 convolution over pictures of one size.
typedef struct {
    dmt_index height, width, down, across;
} dmt_tiles;

typedef struct {
    // Matrix product. B is packed into panels of `nr` columns, A is read in place or from panels of `mr` rows; a panel is
    // zero padded and holds its k steps one after the other. A step is one value a line, or for bfloat16 on a CPU that
    // multiplies it a pair; `bytes` are those of one line's step. Panels of B lie `panel_stride` steps of one line apart.
    dmt_index mr, nr;
    dmt_product full, bf16;

    // Epilogue of a linear layer on an m x n block: z = c + bias, pre = z (when asked), out = act(z) + residual. Rows of
    // pre, residual and out lie `ld` values apart; out may be c, pre or residual. c is spent.
    void (*epilogue)(dmt_index m, dmt_index n, void *c, dmt_index ldc, const void *bias, int activation, void *pre,
                     const void *residual, void *out, dmt_index ld);
    // The same with results in bfloat16: z = bf16(c + bias), pre = z (when asked), out = bf16(act(z)); c is spent.
    void (*epilogue_half)(dmt_index m, dmt_index n, void *c, dmt_index ldc, const void *bias, int activation,
                          uint16_t *pre, uint16_t *out, dmt_index ld);
    void (*to_half)(uint16_t *y, const void *x, dmt_index n);    // rounds to nearest even
    void (*from_half)(void *y, const uint16_t *x, dmt_index n);
    void (*activation_backward)(void *dz, const void *dy, const void *z, int activation, dmt_index n);

    // Elementwise on n values.
    void (*add)(void *y, const void *a, const void *b, dmt_index n);
    void (*axpy)(void *y, const void *x, double alpha, dmt_index n);  // y += alpha x
    void (*scale)(void *y, const void *x, double alpha, dmt_index n);
    void (*multiply)(void *y, const void *a, const void *b, dmt_index n);
    void (*multiply_add)(void *y, const void *a, const void *b, dmt_index n);  // y += a b
    void (*add_rows)(void *y, const void *x, const void *b, dmt_index rows, dmt_index cols);
    void (*sigmoid)(void *y, const void *x, dmt_index n);
    void (*sigmoid_backward)(void *dx, const void *dy, const void *y, dmt_index n);

    // Reductions. Sums over values accumulate in double.
    double (*sum)(const void *x, dmt_index n);
    double (*dot)(const void *a, const void *b, dmt_index n);
    void (*column_sums)(void *acc, const void *x, dmt_index rows, dmt_index cols);             // acc += sum of rows
    void (*column_dots)(void *acc, const void *a, const void *b, dmt_index rows, dmt_index cols);  // acc += sum a b

    // Rows of `cols` values.
    void (*softmax)(void *y, const void *x, dmt_index rows, dmt_index cols);
    void (*softmax_backward)(void *dx, const void *dy, const void *y, dmt_index rows, dmt_index cols);
    void (*log_softmax)(void *y, const void *x, dmt_index rows, dmt_index cols);
    void (*log_softmax_backward)(void *dx, const void *dy, const void *y, dmt_index rows, dmt_index cols);
    void (*layer_norm)(void *y, void *mean, void *rstd, const void *x, const void *gamma, const void *beta,
                       dmt_index rows, dmt_index cols, double epsilon);
    // dgamma and dbeta are added to; each may be null.
    void (*layer_norm_backward)(void *dx, void *dgamma, void *dbeta, const void *dy, const void *x, const void *gamma,
                                const void *mean, const void *rstd, dmt_index rows, dmt_index cols);
    // inverse_norm is negative where a row is shorter than epsilon.
    void (*l2_normalize)(void *y, void *inverse_norm, const void *x, dmt_index rows, dmt_index cols, double epsilon);
    void (*l2_normalize_backward)(void *dx, const void *dy, const void *y, const void *inverse_norm, dmt_index rows,
                                  dmt_index cols);

    // Batch normalisation over rows: centred second moments, then y = (x - mean) scale + shift.
    void (*column_moments)(void *acc, const void *x, const void *mean, dmt_index rows, dmt_index cols);
    void (*column_affine)(void *y, const void *x, const void *mean, const void *scale, const void *shift,
                          dmt_index rows, dmt_index cols);

    // Batch normalisation with a ReLU behind it where `relu` is set; scale = gamma rstd. Sums are added to. The backward
    // takes the ReLU's sign from the same expression as the forward.
    void (*batch_norm_apply)(void *y, const void *x, const void *mean, const void *scale, const void *shift, int relu,
                             dmt_index rows, dmt_index cols);
    void (*batch_norm_sums)(void *dbeta, void *dgamma, const void *dy, const void *x, const void *mean,
                            const void *rstd, const void *scale, const void *shift, int relu, dmt_index rows,
                            dmt_index cols);
    void (*batch_norm_gradient)(void *dx, const void *dy, const void *x, const void *mean, const void *rstd,
                                const void *scale, const void *shift, const void *dbeta_mean, const void *dgamma_mean,
                                int relu, dmt_index rows, dmt_index cols);

    // Attention of one head: q, k, v are (tokens, dim) with row stride `ld`; out has row stride `ldo`.
    dmt_index (*attention_scratch)(dmt_index tokens, dmt_index dim);  // elements
    void (*attention)(void *out, dmt_index ldo, void *lse, const void *q, const void *k, const void *v, dmt_index ld,
                      dmt_index tokens, dmt_index dim, double scale, void *scratch);
    void (*attention_backward)(void *dq, void *dk, void *dv, const void *dout, const void *out, dmt_index ldo,
                               const void *lse, const void *q, const void *k, const void *v, dmt_index ld,
                               dmt_index tokens, dmt_index dim, double scale, void *scratch);
    // The same with operands and results in bfloat16; softmax, sums and lse in float. Scratch in bytes.
    dmt_index (*attention_half_scratch)(dmt_index tokens, dmt_index dim);
    void (*attention_half)(uint16_t *out, dmt_index ldo, void *lse, const uint16_t *q, const uint16_t *k,
                           const uint16_t *v, dmt_index ld, dmt_index tokens, dmt_index dim, double scale,
                           void *scratch);
    void (*attention_half_backward)(uint16_t *dq, uint16_t *dk, uint16_t *dv, const uint16_t *dout,
                                    const uint16_t *out, dmt_index ldo, const void *lse, const uint16_t *q,
                                    const uint16_t *k, const uint16_t *v, dmt_index ld, dmt_index tokens,
                                    dmt_index dim, double scale, void *scratch);

    // Images, (H, W, C) each. `first`..`last` are output rows (im2col) of one image.
    void (*im2col)(void *dst, const void *x, dmt_index height, dmt_index width, dmt_index channels, dmt_index kernel,
                   dmt_index stride, dmt_index padding, dmt_index out_width, dmt_index first, dmt_index last);
    void (*col2im)(void *dx, const void *cols, dmt_index height, dmt_index width, dmt_index channels, dmt_index kernel,
                   dmt_index stride, dmt_index padding, dmt_index out_height, dmt_index out_width);  // adds to dx
    void (*max_pool)(void *y, int32_t *argmax, const void *x, dmt_index height, dmt_index width, dmt_index channels,
                     dmt_index size, dmt_index stride, dmt_index out_height, dmt_index out_width);
    void (*scatter_add)(void *dx, const void *dy, const int32_t *index, dmt_index n);
    void (*adaptive_average_pool)(void *y, const void *x, dmt_index height, dmt_index width, dmt_index channels,
                                  dmt_index out_height, dmt_index out_width);
    void (*adaptive_average_pool_backward)(void *dx, const void *dy, dmt_index height, dmt_index width,
                                           dmt_index channels, dmt_index out_height, dmt_index out_width);
    // Two-tap interpolation tables: index pairs and the weight of the second tap, for rows then columns.
    // `first`..`last` are rows of the output, or of dx in the backward, which adds to them.
    void (*bilinear)(void *y, const void *x, dmt_index width, dmt_index channels, const int32_t *y0, const int32_t *y1,
                     const double *wy, const int32_t *x0, const int32_t *x1, const double *wx, dmt_index out_width,
                     dmt_index first, dmt_index last);
    void (*bilinear_backward)(void *dx, const void *dy, dmt_index width, dmt_index channels, const int32_t *y0,
                              const int32_t *y1, const double *wy, const int32_t *x0, const int32_t *x1,
                              const double *wx, dmt_index out_height, dmt_index out_width, dmt_index first,
                              dmt_index last);
    // One region of one map; box = x0, y0, x1, y1 in map coordinates, already shifted by -0.5 (aligned). The backward
    // adds the gradients of `count` channels, the first of which dx and dy point at.
    void (*roi_align)(void *y, const void *x, dmt_index height, dmt_index width, dmt_index channels, const double *box,
                      dmt_index size, dmt_index sampling);
    void (*roi_align_backward)(void *dx, const void *dy, dmt_index height, dmt_index width, dmt_index channels,
                               dmt_index count, const double *box, dmt_index size, dmt_index sampling);

    // 3x3 convolution as 16 products (winograd.h). `zeros` holds as many zeros as a pixel has channels.
    void (*winograd_weights)(void *u, const void *w, dmt_index inputs, dmt_index outputs, dmt_index first,
                             dmt_index last);
    void (*winograd_weights_backward)(void *dw, const void *du, dmt_index inputs, dmt_index outputs, dmt_index first,
                                      dmt_index last);
    void (*winograd_input)(void *v, dmt_index stride, dmt_index plane, const void *x, const dmt_tiles *tiles,
                           dmt_index channels, dmt_index first, dmt_index count, const void *zeros);
    void (*winograd_output)(void *y, const dmt_tiles *tiles, dmt_index channels, dmt_index columns, const void *m,
                            dmt_index stride, dmt_index plane, dmt_index first, dmt_index count, const void *bias,
                            int activation);
    void (*winograd_input_place)(void *v, dmt_index stride, const void *x, const dmt_tiles *tiles, dmt_index channels,
                                 dmt_index first, dmt_index count, int place, const void *zeros);
    void (*winograd_gradient_place)(void *v, dmt_index stride, const void *dy, const dmt_tiles *tiles,
                                    dmt_index channels, dmt_index first, dmt_index count, int place,
                                    const void *zeros);

    // Losses: values per row or summed; gradients for a unit upstream gradient, unscaled.
    void (*cross_entropy)(double *loss, void *dx, const void *x, const int32_t *labels, int32_t ignore, dmt_index rows,
                          dmt_index cols);
    void (*soft_cross_entropy)(double *loss, void *dx, const void *x, const void *target, dmt_index rows,
                               dmt_index cols);
    double (*smooth_l1)(void *dx, const void *x, const void *target, const void *weight, double beta, dmt_index n);
    double (*bce_with_logits)(void *dx, const void *x, const void *target, const void *weight, dmt_index n);

    // Optimizer and averages on flat buffers.
    void (*adamw)(void *p, const void *g, void *m, void *v, dmt_index n, double lr, double beta1, double beta2,
                  double epsilon, double weight_decay, double correction1, double correction2, double gradient_scale);
    void (*moving_average)(void *y, const void *x, double decay, dmt_index n);  // y = decay y + (1 - decay) x
} dmt_kernels;

// The best path for this CPU, or the one that DMT_CPU names (plain, avx2, avx512, avx512bf16); -1 if it names another or
// one that this CPU lacks.
int dmt_select_path(const char *wanted);
const dmt_kernels *dmt_kernels_f32(int path);
const dmt_kernels *dmt_kernels_f64(void);  // plain loops in double, for tests

void dmt_f32_to_bf16(uint16_t *dst, const float *src, dmt_index n);  // round to nearest even
void dmt_bf16_to_f32(float *dst, const uint16_t *src, dmt_index n);
// Multiply-adds in registers only: runs `rounds` rounds and returns the flop count; the compute peak of one core.
double dmt_peak_loop(int path, dmt_index rounds, float *sink);
// Free memory of the C library goes back to the system.
void dmt_trim_heap(void);

#ifdef __cplusplus
}
#endif
