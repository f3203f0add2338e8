// Includes every loop once for REAL and fills one table. The including file sets REAL, REAL_IS_DOUBLE, VW (values in a
// vector), GEMM_MR, TABLE (the table's name), BF16_NATIVE and, where it wants one, the instruction set.
#include "CKernels.h"

#pragma clang fp reassociate(on) contract(fast)
#include "gemm.h"
#if BF16_NATIVE
#include "bf16_native.h"
#else
#include "bf16_rounded.h"
#endif
#include "functions.h"
#include "elementwise.h"
#include "rows.h"
#include "attention.h"
#include "attention_half.h"
#include "images.h"
#include "regions.h"
#include "winograd.h"
#include "batch_norm.h"

const dmt_kernels TABLE = {
    .mr = MR,
    .nr = NR,
    .full = {1, sizeof(REAL), pack_b, 0, pack_a, 0, gemm_packed, gemm_rows, gemm_columns},
    .bf16 = {BF16_STEP, BF16_BYTES, pack_b_bf16, pack_half_b, pack_a_bf16, pack_half_a, gemm_bf16, GEMM_ROWS_BF16, 0},
    .epilogue = epilogue,
    .epilogue_half = epilogue_half,
    .to_half = to_half,
    .from_half = from_half,
    .activation_backward = activation_backward,
    .add = add,
    .axpy = axpy,
    .scale = scale,
    .multiply = multiply,
    .multiply_add = multiply_add,
    .add_rows = add_rows,
    .sigmoid = sigmoid,
    .sigmoid_backward = sigmoid_backward,
    .sum = sum,
    .dot = dot,
    .column_sums = column_sums,
    .column_dots = column_dots,
    .softmax = softmax,
    .softmax_backward = softmax_backward,
    .log_softmax = log_softmax,
    .log_softmax_backward = log_softmax_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .l2_normalize = l2_normalize,
    .l2_normalize_backward = l2_normalize_backward,
    .column_moments = column_moments,
    .column_affine = column_affine,
    .batch_norm_apply = batch_norm_apply,
    .batch_norm_sums = batch_norm_sums,
    .batch_norm_gradient = batch_norm_gradient,
    .attention_scratch = attention_scratch,
    .attention = attention,
    .attention_backward = attention_backward,
    .attention_half_scratch = attention_half_scratch,
    .attention_half = attention_half,
    .attention_half_backward = attention_half_backward,
    .im2col = im2col,
    .col2im = col2im,
    .max_pool = max_pool,
    .scatter_add = scatter_add,
    .adaptive_average_pool = adaptive_average_pool,
    .adaptive_average_pool_backward = adaptive_average_pool_backward,
    .bilinear = bilinear,
    .bilinear_backward = bilinear_backward,
    .roi_align = roi_align,
    .roi_align_backward = roi_align_backward,
    .winograd_weights = winograd_weights,
    .winograd_weights_backward = winograd_weights_backward,
    .winograd_input = winograd_input,
    .winograd_output = winograd_output,
    .winograd_input_place = winograd_input_place,
    .winograd_gradient_place = winograd_gradient_place,
    .cross_entropy = cross_entropy,
    .soft_cross_entropy = soft_cross_entropy,
    .smooth_l1 = smooth_l1,
    .bce_with_logits = bce_with_logits,
    .adamw = adamw,
    .moving_average = moving_average,
};
